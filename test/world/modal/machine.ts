/** One sandbox's machine as the rest sees it: a command that runs, others that join it, and an end. */
import type { ChildProcess } from "node:child_process";
import type { Contents } from "./layers.ts";
import type { Mount, Network } from "./records.ts";

export interface Ground {
  /** The sandbox's own directory. */
  readonly directory: string;
  readonly contents: Contents;
  /** Further programs: path inside → text. */
  readonly scripts: Readonly<Record<string, string>>;
  /** The agent, where the image has it and the stand-in was given one. */
  readonly claude: string | undefined;
  readonly mounts: readonly (Pick<Mount, "at" | "readOnly"> & { readonly from: string })[];
  readonly network: Network;
  /** All of the environment but PATH, HOME and the like. */
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string;
}

export interface More {
  readonly workdir: string | undefined;
  /** On top of the sandbox's own. */
  readonly env: Readonly<Record<string, string>>;
}

/** The commands that were put beside the first one and still run. */
export interface Beside {
  add(child: ChildProcess): ChildProcess;
  pids(): number[];
}

export function openBeside(): Beside {
  const running = new Set<ChildProcess>();
  return {
    add(child) {
      running.add(child);
      child.on("close", () => running.delete(child));
      return child;
    },
    pids: () => [...running].flatMap(({ pid }) => pid ?? []),
  };
}

export interface Started {
  readonly main: ChildProcess;
  /** Runs a command beside it, in the same place. */
  run(command: readonly string[], more: More): ChildProcess;
  /** To the command and all that came of it. */
  signal(name: "SIGTERM" | "SIGINT"): void;
  /** Nothing of it is left when this resolves. */
  kill(): Promise<void>;
  /** All its processes, by this machine's numbers. */
  family(): number[];
}

export const insidePath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** `exec` in a shell, so that a command that is not there ends with 127 as in any container. */
export const throughShell = (workdir: string, command: readonly string[]): string[] => [
  "/bin/sh",
  "-c",
  'cd "$0" || exit 126; exec "$@"',
  workdir,
  ...command,
];
