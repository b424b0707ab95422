/** `parhelia store export` and `import` at a terminal: what was asked for, how far it is, what came of it. */
import type { Screen } from "./watch.ts";

export type StoreWords =
  | { readonly kind: "export"; readonly file: string | undefined }
  | { readonly kind: "import"; readonly file: string }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia store export [FILE]   everything that the store holds into a new file, or to a pipe
  parhelia store import FILE     into an empty store; the same import again goes on where it stopped`;

/** The words behind `parhelia store`. */
export function storeWords([first, ...rest]: readonly string[]): StoreWords {
  const [file, ...more] = rest;
  const option = rest.find((word) => word.startsWith("-"));
  if (first === undefined) return { kind: "wrong", message: `What should be done with the store?\n${usage}` };
  if (first !== "export" && first !== "import")
    return { kind: "wrong", message: `\`store ${first}\` is not known. Known are:\n${usage}` };
  if (option !== undefined)
    return { kind: "wrong", message: `\`store ${first}\` has no option ${option}. A file of that name is ./${option}` };
  if (more.length > 0)
    return { kind: "wrong", message: `\`store ${first}\` takes one file, and here are ${rest.length}.` };
  if (first === "export") return { kind: "export", file };
  if (file === undefined) return { kind: "wrong", message: `\`store import\` needs the file of an export.\n${usage}` };
  return { kind: "import", file };
}

export interface Moving {
  readonly stage: "read" | "check" | "write" | "compare" | "copy";
  /** Absent where bytes are all that is counted. */
  readonly items?: number;
  /** Bytes of the file; both 0 where nobody knows how much is to come. */
  readonly done: number;
  readonly of: number;
}

const stages: Record<Moving["stage"], string> = {
  read: "Reading the store",
  check: "Checking the file",
  write: "Writing",
  compare: "Comparing",
  copy: "Copying",
};

const barWidth = 24;
/** Often enough to look alive. */
const drawEveryMs = 100;

export interface Bar {
  tell(moving: Moving): void;
  /** Takes it off the screen. */
  clear(): void;
}

/** A line that renews itself; nothing at all where the screen is no terminal. */
export function progressBar(screen: Screen, now: () => number): Bar {
  let drawnAt = -Infinity;
  let stage = "";
  if (!screen.isTerminal) return { tell: () => undefined, clear: () => undefined };
  return {
    tell(moving) {
      const at = now();
      if (moving.stage === stage && at - drawnAt < drawEveryMs) return;
      drawnAt = at;
      stage = moving.stage;
      screen.write(`\r${barLine(moving)}\u001b[K`);
    },
    clear: () => screen.write("\r\u001b[K"),
  };
}

export function barLine({ stage, items, done, of }: Moving): string {
  const lines = items === undefined ? "" : `, ${items.toLocaleString("en")} lines`;
  if (of === 0) return `${stages[stage]}${lines.replace(",", ":")}`;
  const share = Math.min(1, done / of);
  const full = Math.floor(share * barWidth);
  const bar = "█".repeat(full) + "░".repeat(barWidth - full);
  return `${stages[stage]} ${bar} ${Math.floor(share * 100)} %${lines}`;
}

interface Counts {
  readonly documents: number;
  readonly counters: number;
  readonly lines: number;
}

const countWords = ({ documents, counters, lines }: Counts): string =>
  [`${documents} documents`, `${counters} counters`, `${lines} lines of logs`].join(", ");

export const exportedWords = (file: string, counts: Counts): string =>
  `Exported to ${file}: ${countWords(counts)}. It holds the service's own keys: keep it as you keep secrets.`;

export function importedWords(place: string, { counts, before }: { counts: Counts; before: number }): string {
  const gone =
    before === 0 ? "" : ` An earlier import had written the first ${before}, and this one went on behind them.`;
  return `Imported into ${place} and compared, item by item: ${countWords(counts)}.${gone}`;
}
