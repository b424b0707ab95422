/**
 * What one sandbox may use of the machine. Its files live in memory (sized tmpfs), because that is the one bounded
 * filesystem that needs neither root nor a prepared disk; so they count against the machine's memory as well.
 */
import * as os from "node:os";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";

/** Of one sandbox. Sizes are upper bounds: memory is taken only for what is written. */
export interface LocalLimits {
  /** The workspace; by default a quarter of the machine's memory, at most 4096. */
  readonly workspaceMiB: number;
  /** HOME, where the agent keeps its session; by default 256. */
  readonly homeMiB: number;
  /** `/tmp`; by default 512. */
  readonly tmpMiB: number;
  /** Processes and threads at one time; by default 1024. */
  readonly pids: number;
}

/** `/dev/shm`; the size that Docker gives. */
export const sharedMemoryMiB = 64;

export interface Machine {
  readonly cpus: number;
  readonly memoryMiB: number;
}

/** Bytes in a mebibyte. */
export const mebibyte = 1024 * 1024;

export function thisMachine(): Machine {
  // Inside a container the machine is what the container may use; 0 stands for no bound.
  const bound = process.constrainedMemory();
  const bytes = bound > 0 ? Math.min(bound, os.totalmem()) : os.totalmem();
  return { cpus: os.availableParallelism(), memoryMiB: Math.floor(bytes / mebibyte) };
}

export function withDefaults(given: Partial<LocalLimits>, machine: Machine): LocalLimits {
  const workspaceMiB = Math.min(4096, Math.max(16, Math.floor(machine.memoryMiB / 4)));
  const limits = { workspaceMiB, homeMiB: 256, tmpMiB: 512, pids: 1024, ...given };
  for (const [key, value] of Object.entries(limits)) {
    if (!Number.isInteger(value) || value < 1) {
      throw new Error(`limits.${key} of the local sandboxes is ${value}: give a whole number from 1.`);
    }
  }
  return limits;
}

export const filesMiB = ({ workspaceMiB, homeMiB, tmpMiB }: LocalLimits): number =>
  workspaceMiB + homeMiB + tmpMiB + sharedMemoryMiB;

/** Throws a `Refusal` for what this machine does not have. `heldMiB` is the memory that a sandbox's files may take. */
export function acceptOn(machine: Machine, heldMiB: number, { cpu, memoryMiB, gpu }: Resources): void {
  if (gpu !== undefined) {
    throw new Refusal(`The local backend has no GPU, so ${gpu} cannot be had: ask without one, or use Modal.`);
  }
  if (cpu > machine.cpus) {
    throw new Refusal(`The local backend has ${machine.cpus} CPUs: ask for at most that, not for ${cpu}.`);
  }
  const mostMiB = Math.max(0, machine.memoryMiB - heldMiB);
  if (memoryMiB > mostMiB) {
    const files = heldMiB > 0 ? `, of which the files of a sandbox may take ${heldMiB} MiB` : "";
    throw new Refusal(
      `The local backend has ${machine.memoryMiB} MiB of memory${files}: ask for at most ${mostMiB} MiB, not for ${memoryMiB} MiB.`,
    );
  }
}
