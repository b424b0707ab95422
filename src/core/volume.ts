/** The volume that outlives sandboxes: its folders, what is in it, and what comes of saving it and putting it back. */

/** guide §1.3, and the folder of each task's own. */
export const volumeDirectories = [
  "config/claude",
  "config/env",
  "plugins",
  "checkpoints",
  "workspaces",
  "tasks",
] as const;

export interface VolumeEntry {
  /** Below the root of the volume; untrusted, as sandboxes write there. */
  readonly path: string;
  readonly kind: "file" | "directory" | "link" | "other";
  readonly bytes: number;
  readonly changedAt: string;
}

export interface Backup {
  readonly files: number;
  readonly bytes: number;
  readonly sha256: string;
}

export interface Restored {
  readonly files: number;
  /** Of these, those that were there with the same content. */
  readonly same: number;
  /** Paths of those that were there with another, which was replaced only where that was asked for; the first of many. */
  readonly others: readonly string[];
  readonly written: "all" | "nothing";
}
