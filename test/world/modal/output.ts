/** What a process wrote, to be read from any place in it while it goes on. */
export interface Chunk {
  readonly bytes: Uint8Array;
  /** Where it begins, counted from the first byte ever written. */
  readonly offset: number;
  readonly at: number;
}

export interface Output {
  write(bytes: Uint8Array): void;
  end(): void;
  readonly isOver: boolean;
  /** All that was ever written, for the logs: they are no part of what is kept for readers. */
  readonly chunks: readonly Chunk[];
  /** Resolves when something was written, it is over, or the signal came. */
  more(signal: AbortSignal): Promise<void>;
  /** From the offset or the oldest byte kept, until it is over. Never yields an empty chunk: the client throws at one (modal.md §5). */
  read(offset: number, signal: AbortSignal): AsyncGenerator<{ data: Uint8Array; startingOffset: number }>;
}

/** Readers get about the last `keepBytes`, in whole chunks (modal.md §1.2: "only the most recent part is kept"). */
export function openOutput(keepBytes: () => number, now: () => number): Output {
  const chunks: Chunk[] = [];
  let written = 0;
  let isOver = false;
  const waiting = new Set<() => void>();
  const wake = (): void => {
    for (const call of waiting) call();
  };
  const more = (signal: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      const done = (): void => {
        waiting.delete(done);
        signal.removeEventListener("abort", done);
        resolve();
      };
      waiting.add(done);
      signal.addEventListener("abort", done, { once: true });
      if (signal.aborted) done();
    });

  return {
    get isOver() {
      return isOver;
    },
    chunks,
    write(bytes) {
      if (bytes.length === 0) return;
      chunks.push({ bytes, offset: written, at: now() });
      written += bytes.length;
      wake();
    },
    end() {
      isOver = true;
      wake();
    },
    more,
    async *read(from, signal) {
      let offset = from;
      while (!signal.aborted) {
        const oldest = Math.max(offset, written - keepBytes());
        const next = chunks.find((chunk) => chunk.offset + chunk.bytes.length > oldest);
        if (next !== undefined) {
          const skipped = Math.max(0, offset - next.offset);
          yield { data: next.bytes.subarray(skipped), startingOffset: next.offset + skipped };
          offset = next.offset + next.bytes.length;
          continue;
        }
        if (isOver) return;
        await more(signal);
      }
    },
  };
}
