/**
 * Calls are billed and each takes a round trip, so what is asked for in one turn of the event loop is one call. Commits go
 * one call at a time: those that come meanwhile wait for the answer and are the next call, in their order.
 */
import { togetherOf, type BatchBound } from "../together.ts";

export interface Batches<Item, Answer> {
  add(item: Item): Promise<Answer>;
  /** Resolves when all that was added is answered. */
  finish(): Promise<void>;
}

interface Waiting<Item, Answer> {
  readonly item: Item;
  resolve(answer: Answer): void;
  reject(fault: unknown): void;
}

/** `run` answers each item in its place, or an `Error` in the place of one that was at fault alone. */
export function batches<Item, Answer>(
  run: (items: readonly Item[]) => Promise<readonly (Answer | Error)[]>,
  options: {
    readonly most: BatchBound;
    readonly charactersOf: (item: Item) => number;
    readonly atOnce: number;
  },
): Batches<Item, Answer> {
  const queue: Waiting<Item, Answer>[] = [];
  let underWay = 0;
  let scheduled = false;
  let idle = Promise.withResolvers<void>();
  idle.resolve();

  async function runOne(batch: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await run(batch.map(({ item }) => item));
      for (const [place, waiting] of batch.entries()) {
        const answer = answers[place];
        if (answer === undefined) waiting.reject(new Error("the answer to a call is not complete"));
        else if (answer instanceof Error) waiting.reject(answer);
        else waiting.resolve(answer);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
    underWay -= 1;
    next();
  }

  function next(): void {
    while (queue.length > 0 && underWay < options.atOnce) {
      underWay += 1;
      void runOne(
        queue.splice(
          0,
          togetherOf(queue, options.most, ({ item }) => options.charactersOf(item)),
        ),
      );
    }
    if (queue.length === 0 && underWay === 0) idle.resolve();
  }

  return {
    add: (item) =>
      new Promise((resolve, reject) => {
        if (queue.length === 0 && underWay === 0) idle = Promise.withResolvers<void>();
        queue.push({ item, resolve, reject });
        if (scheduled) return;
        scheduled = true;
        // After all callbacks that were ready: requests that came together are one call.
        setImmediate(() => {
          scheduled = false;
          next();
        });
      }),
    finish: () => idle.promise,
  };
}
