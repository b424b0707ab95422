/**
 * How a sandbox is known by its processes: the ones that hold it, outside of its reach, bear a mark in their argv.
 * The mark says whose the sandbox is, so that two services on one machine leave each other's alone.
 */
import { SandboxName } from "../../core/ids.ts";
import { Instant } from "../../core/instant.ts";
import type { Sandbox } from "../../core/ports/sandboxes.ts";
import { allPids, argvOf, isAlive, type ProcessId, standingOf, statOf } from "./processes.ts";

const word = "parhelia-sandbox";

/** `owner` is the service's state directory. A probe bears a name that is no `SandboxName`. */
export type Mark = {
  readonly owner: string;
  readonly name: string;
  readonly startedAt: Instant;
  readonly slot: number;
};

/** A sandbox and the processes that hold it. */
export type Holding = Mark & { readonly holders: readonly ProcessId[] };

export const markLength = 5;

export const markArgv = ({ owner, name, startedAt, slot }: Mark): string[] => [
  word,
  owner,
  name,
  `${startedAt}`,
  `${slot}`,
];

function readMark(argv: readonly string[]): Mark | undefined {
  const at = argv.indexOf(word);
  const [, owner, name, startedAt, slot] = argv.slice(at, at + markLength);
  if (at < 1 || owner === undefined || name === undefined || slot === undefined) return undefined;
  return { owner, name, startedAt: Instant.parse(Number(startedAt)), slot: Number(slot) };
}

/**
 * The sandboxes of this owner whose holders live. A holder runs one of `programs` as `uid`, at most `depth` PID
 * namespaces below this service: whatever runs inside a jail is deeper, so it cannot pass for one.
 */
export function holdings(of: { owner: string; uid: number; depth: number; programs: readonly string[] }): Holding[] {
  const found = new Map<string, Holding>();
  for (const pid of allPids()) {
    const argv = argvOf(pid);
    const mark = of.programs.includes(argv[0] ?? "") ? readMark(argv) : undefined;
    if (mark === undefined || mark.owner !== of.owner) continue;
    const stat = statOf(pid);
    const standing = standingOf(pid);
    if (stat === undefined || standing === undefined || !isAlive(stat)) continue;
    if (standing.uid !== of.uid || standing.depth > of.depth) continue;
    found.set(mark.name, { ...mark, holders: [...(found.get(mark.name)?.holders ?? []), stat] });
  }
  return [...found.values()];
}

export function sandboxOf({ name, startedAt }: Pick<Mark, "name" | "startedAt">): Sandbox[] {
  const ours = SandboxName.safeParse(name);
  return ours.success ? [{ name: ours.data, startedAt }] : [];
}
