/** `parhelia volume …`: what an operator does with the volume that outlives sandboxes. */
import { createReadStream } from "node:fs";
import { stat } from "node:fs/promises";
import { visible } from "../core/markdown.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Volumes } from "../core/ports/volumes.ts";
import { Refusal } from "../core/refusal.ts";
import { volumeDirectories, type Backup, type VolumeEntry } from "../core/volume.ts";
import type { VolumeWords } from "./volume-words.ts";

export interface VolumeWorld {
  readonly volumes: Volumes;
  /** Its name on Modal. */
  readonly volume: string;
  readonly clock: Clock;
  /** A new file of mode 0600, which is removed where the pieces break off. */
  writeNewFile(path: string, pieces: AsyncIterable<Uint8Array>): Promise<void>;
  /** What was asked for. */
  say(text: string): void;
  /** How far it is. */
  progress(done: number, of: number): void;
}

type Asked = Exclude<VolumeWords, { kind: "wrong" }>;

/** Whether it was done. Throws a `Refusal` where it cannot be. */
export async function volumeCommand(asked: Asked, world: VolumeWorld): Promise<"done" | "not done"> {
  switch (asked.kind) {
    case "init":
      await init(world, asked.as);
      return "done";
    case "ls":
      await list(world, asked);
      return "done";
    case "backup":
      await save(world, asked.file);
      return "done";
    case "restore":
      return restore(world, asked);
  }
}

async function init({ volumes, volume, say }: VolumeWorld, as: "words" | "json"): Promise<void> {
  const created = await volumes.init(volumeDirectories);
  if (as === "json") return say(JSON.stringify({ created, all_directories: volumeDirectories }, null, 2));
  const made = created.length === 0 ? "all its folders were there" : `made ${created.join(", ")}`;
  say(`Volume ${volume}: ${made}.`);
}

async function list({ volumes, say }: VolumeWorld, { path, as }: Extract<Asked, { kind: "ls" }>): Promise<void> {
  const entries = await volumes.list(path);
  if (as === "json") return say(JSON.stringify({ entries, count: entries.length }, null, 2));
  say(entries.length === 0 ? "There is nothing in it." : entries.map(entryLine).join("\n"));
}

const marks = { file: "", directory: "/", link: "@", other: "?" } as const;

const entryLine = ({ path, kind, bytes, changedAt }: VolumeEntry): string =>
  `${changedAt}  ${(kind === "file" ? String(bytes) : "–").padStart(12)}  ${visible(path)}${marks[kind]}`;

async function save(world: VolumeWorld, file: string | undefined): Promise<void> {
  const { volumes, volume, clock } = world;
  const day = new Date(clock.now()).toISOString().slice(0, 10);
  const path = file ?? `${volume}-${day}.tgz`;
  let made: Backup | undefined;
  await world.writeNewFile(
    path,
    (async function* () {
      made = yield* volumes.backup(world.progress);
    })(),
  );
  if (made === undefined) throw new Error("a backup was written and never ended");
  world.say(`Saved ${volume} into ${path}: ${made.files} files, ${made.bytes} bytes, sha256 ${made.sha256}.`);
}

async function restore(
  { volumes, volume, say, progress }: VolumeWorld,
  { file, where }: Extract<Asked, { kind: "restore" }>,
): Promise<"done" | "not done"> {
  const of = await sizeOf(file);
  let done = 0;
  const pieces = (async function* () {
    for await (const piece of createReadStream(file, { highWaterMark: 1024 * 1024 })) {
      if (!(piece instanceof Uint8Array)) throw new Error("a file is read as bytes");
      yield piece;
      progress((done += piece.length), of);
    }
  })();
  const { files, same, others, written } = await volumes.restore(pieces, where);
  if (written === "nothing") {
    const shown = others.map((each) => `  ${visible(each)}`).join("\n");
    say(`${volume} has other files in the place of these, and nothing was written. To replace them: --force\n${shown}`);
    return "not done";
  }
  const replaced = others.length === 0 ? "" : ", others were replaced";
  say(`Restored ${files} files into ${volume}; ${same} of them were there already${replaced}.`);
  return "done";
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "ENOENT")) throw error;
    throw new Refusal(`There is no file ${visible(file)}.`);
  }
}
