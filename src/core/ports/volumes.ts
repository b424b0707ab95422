import type { Backup, Restored, VolumeEntry } from "../volume.ts";

/** The volume, seen by an operator. Every failure is thrown: a `Refusal` where an operator can cure it. */
export interface Volumes {
  /** Makes the volume and these folders in it; answers those that were missing. */
  init(directories: readonly string[]): Promise<readonly string[]>;
  /** What is in a folder. Throws a `Refusal` where it is none, or leaves the volume. */
  list(path: string): Promise<readonly VolumeEntry[]>;
  /** A gzipped tar of all of it with the hash of each file, in pieces; it is whole when the last has come. `tell` hears of bytes. */
  backup(tell: (done: number, of: number) => void): AsyncGenerator<Uint8Array, Backup>;
  /**
   * Puts an archive's files into the volume, when the whole of it was found sound. Where others are in their place, nothing is
   * written unless they are to be replaced. Killed half way and asked again, it goes on.
   */
  restore(archive: AsyncIterable<Uint8Array>, where: "nothing is lost" | "others are replaced"): Promise<Restored>;
  close(): void;
}
