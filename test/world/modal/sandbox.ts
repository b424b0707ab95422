/** A sandbox as the account remembers it, running or not. */
import type { ChildProcess } from "node:child_process";
import type { Gpu } from "./gpus.ts";
import type { Started } from "./machine.ts";
import type { Output } from "./output.ts";
import type { Ask, Named } from "./records.ts";
import type { View } from "./views.ts";
import type { Result } from "./wire.ts";

export interface Exec {
  readonly child: ChildProcess;
  readonly out: Output;
  readonly err: Output;
  /** 128 and the signal where one ended it. */
  readonly exited: Promise<number>;
  exitCode: number | undefined;
  stdinWritten: number;
}

/** V1 waits for a machine, and then it is as with V2. `ending`: its result is certain and its processes still run. */
export type State = "queued" | "running" | "ending" | "over";

export interface Sandbox {
  readonly id: string;
  readonly taskId: string;
  readonly ask: Ask;
  readonly app: Named;
  /** Nobody made it through the client: it stands for what else is in the account. */
  readonly isForeign: boolean;
  /** No two have the same: equal stamps get lost between two pages of a list (modal.md §5). */
  readonly createdAt: number;
  state: State;
  name: string | undefined;
  tags: Readonly<Record<string, string>>;
  /** The card that was granted, which may be a better one than was asked for. */
  gpu: Gpu | undefined;
  /** From here to the end it is paid for. */
  startedAt: number | undefined;
  endedAt: number | undefined;
  result: Result;
  readonly out: Output;
  readonly err: Output;
  readonly execs: Map<string, Exec>;
  stdinWritten: number;
  /** Its last exec or write to its stdin. */
  activeAt: number;
  /** Resolves when its command runs, or never will. */
  readonly up: PromiseWithResolvers<Started | undefined>;
  readonly over: PromiseWithResolvers<void>;
  /** What it sees of its volumes, those that it may write to and the others. */
  readonly views: { readonly view: View; readonly readOnly: boolean }[];
  /** What calls off its alarms. */
  readonly alarms: (() => void)[];
}

export const isAlive = ({ state }: Sandbox): boolean => state !== "over";

/** What it wrote to volumes. */
export function commit({ views }: Sandbox): void {
  for (const { view, readOnly } of views) if (!readOnly) view.commit();
}
