/**
 * Which of the replicas on this machine this process is. Each number is a file that is locked for as long as its process
 * lives, so whoever starts after a death takes the dead one's number, and with it what is bound to the number.
 */
import { join } from "node:path";
import { lockFile } from "./sqlite/engine-lock.ts";

export interface ReplicaNumber {
  readonly number: number;
  /** Gives the number back, after all that is bound to it is closed. */
  release(): void;
}

/** The lowest free number, by the files `replica-<n>` in this folder; undefined where all `most` are taken. */
export function takeReplicaNumber(folder: string, most: number): ReplicaNumber | undefined {
  for (let number = 0; number < most; number += 1) {
    const taken = takeNumber(folder, number);
    if (taken !== undefined) return taken;
  }
  return undefined;
}

/** This number; undefined where a living process has it. */
export function takeNumber(folder: string, number: number): ReplicaNumber | undefined {
  const lock = lockFile(join(folder, `replica-${number}`));
  return lock === undefined ? undefined : { number, release: lock.release };
}
