/** A sandbox in which somebody runs one command after the other from outside. What comes out of it is untrusted. */

export interface RunOptions {
  readonly timeoutMs: number;
  /** Beside the sandbox's own. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** An absolute path inside; the sandbox's own place unless given. */
  readonly workdir?: string | undefined;
}

export interface Ran {
  /** Null where the time was up, and it was ended. */
  readonly exitCode: number | null;
  /** As text; at most `mostOutput` characters of each are kept. */
  readonly stdout: string;
  readonly stderr: string;
  /** More was said than is kept. */
  readonly isCut: boolean;
}

/** In characters, of each output of one command. */
export const mostOutput = 16 * 1024 * 1024;

export interface ByHand {
  /** Words, and never a line for a shell. Throws where the sandbox has ended. */
  run(command: readonly string[], options: RunOptions): Promise<Ran>;
  /** Resolves when it is over; also when it was. */
  end(): Promise<void>;
}
