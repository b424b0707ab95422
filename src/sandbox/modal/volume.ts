/**
 * The volume on Modal, by way of a sandbox of the live image that sees all of it and no network: Modal's client has no other way
 * to a volume's files. What it says is as untrusted as what sandboxes wrote there.
 */
import { createHash } from "node:crypto";
import { NotFoundError, type ModalClient, type Sandbox } from "modal";
import { minuteMs, secondMs } from "../../core/instant.ts";
import { visible } from "../../core/markdown.ts";
import type { Volumes } from "../../core/ports/volumes.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Backup, VolumeEntry } from "../../core/volume.ts";
import { volumePath } from "./health-probes.ts";
import { inWords } from "./in-words.ts";
import { connectTo, type Account } from "./modal-client.ts";
import { ownApp } from "./own-app.ts";
import { archiveInside, backupScript, checkScript, initScript, listScript, writeScript } from "./volume-scripts.ts";

export interface ModalVolumesOptions extends Account {
  readonly volume: string;
  /** A published image by its name and tag. */
  readonly image: string;
}

/** Ended by Modal itself, if this process does not live to do it. */
const longestMs = 60 * minuteMs;

export function openModalVolumes(options: ModalVolumesOptions): Volumes {
  const client = connectTo(options);
  const inside = <T>(make: "make it" | "as it is", work: (sandbox: Sandbox) => Promise<T>): Promise<T> =>
    inWords(() => withVolume(client, { ...options, make }, work));
  return {
    init: (directories) =>
      inside("make it", async (sandbox) => lines(await said(sandbox, initScript, [volumePath, ...directories]))),
    list: (path) =>
      inside("as it is", async (sandbox) => {
        const { exitCode, output } = await run(sandbox, listScript, [volumePath, path]);
        if (exitCode === 3) throw new Refusal(`The volume ${options.volume} has no folder ${visible(path)}.`);
        if (exitCode !== 0) throw failedInside(exitCode, output);
        return entriesIn(output, path);
      }),
    async *backup(tell) {
      const sandbox = await inWords(() => openSandbox(client, { ...options, make: "as it is" }));
      try {
        return yield* backup(sandbox, tell);
      } finally {
        await sandbox.terminate({ wait: true });
      }
    },
    restore: (archive, where) => inside("make it", (sandbox) => restore(sandbox, archive, where)),
    close: () => client.close(),
  };
}

type Ground = ModalVolumesOptions & { readonly make: "make it" | "as it is" };

async function withVolume<T>(client: ModalClient, ground: Ground, work: (sandbox: Sandbox) => Promise<T>): Promise<T> {
  const sandbox = await openSandbox(client, ground);
  try {
    return await work(sandbox);
  } finally {
    // What was written is committed by then.
    await sandbox.terminate({ wait: true });
  }
}

async function openSandbox(client: ModalClient, ground: Ground): Promise<Sandbox> {
  const { image: published, volume: named, make } = ground;
  const app = await ownApp(client, ground);
  const [image, volume] = await Promise.all([
    client.images.fromName(published).catch((error: unknown) => {
      throw missing(error, `image ${published}`, "parhelia image build, then parhelia image promote TAG");
    }),
    client.volumes.fromName(named, { createIfMissing: make === "make it" }).catch((error: unknown) => {
      throw missing(error, `volume ${named}`, "parhelia volume init");
    }),
  ]);
  return client.sandboxes.create(app, image, {
    // No sandbox of a task's, so that no service takes it for one that was forgotten.
    tags: { parhelia: "volume" },
    command: ["sleep", String(longestMs / secondMs)],
    cpu: 1,
    cpuLimit: 1,
    memoryMiB: 1024,
    memoryLimitMiB: 1024,
    timeoutMs: longestMs,
    blockNetwork: true,
    volumes: { [volumePath]: volume },
  });
}

function missing(error: unknown, what: string, cure: string): unknown {
  if (!(error instanceof NotFoundError)) return error;
  return new Refusal(`Modal has no ${what}. Make it: ${cure}`, { cause: error });
}

const failedInside = (exitCode: number, output: string): Error =>
  new Error(`The work in the volume's sandbox ended with ${exitCode}: ${output.trim().slice(-500)}`);

async function run(sandbox: Sandbox, script: string, args: readonly string[]) {
  const process = await sandbox.exec(["sh", "-c", `{ ${script}\n} 2>&1`, "sh", ...args], { timeoutMs: longestMs });
  const [output, exitCode] = await Promise.all([process.stdout.readText(), process.wait()]);
  return { exitCode, output };
}

async function said(sandbox: Sandbox, script: string, args: readonly string[]): Promise<string> {
  const { exitCode, output } = await run(sandbox, script, args);
  if (exitCode !== 0) throw failedInside(exitCode, output);
  return output;
}

const lines = (text: string): string[] => text.split("\n").filter((line) => line !== "");

const kinds: Readonly<Record<string, VolumeEntry["kind"]>> = { f: "file", d: "directory", l: "link" };

function entriesIn(output: string, path: string): VolumeEntry[] {
  const before = path.replace(/^(?:\.?\/)+|\/+$/g, "");
  return output.split("\0").flatMap((entry) => {
    const [kind = "", bytes = "", changedAt = "", ...name] = entry.split("\t");
    if (name.length === 0) return [];
    const own = name.join("\t");
    const full = before === "" || before === "." ? own : `${before}/${own}`;
    return [{ path: full, kind: kinds[kind] ?? "other", bytes: Number(bytes), changedAt }];
  });
}

async function* backup(sandbox: Sandbox, tell: (done: number, of: number) => void): AsyncGenerator<Uint8Array, Backup> {
  const { exitCode, output } = await run(sandbox, backupScript, [volumePath]);
  if (exitCode === 4) throw new Refusal(`The volume cannot be saved: ${visible(output.trim())}.`);
  const [size, sha256, files] = lines(output);
  if (exitCode !== 0 || size === undefined || sha256 === undefined) throw failedInside(exitCode, output);
  const process = await sandbox.exec(["cat", archiveInside], { mode: "binary", timeoutMs: longestMs });
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const piece of process.stdout) {
    hash.update(piece);
    bytes += piece.length;
    yield piece;
    tell(bytes, Number(size));
  }
  if (hash.digest("hex") !== sha256) throw new Refusal("The archive changed on its way here. Try again.");
  return { files: Number(files), bytes, sha256 };
}

async function restore(
  sandbox: Sandbox,
  archive: AsyncIterable<Uint8Array>,
  where: "nothing is lost" | "others are replaced",
) {
  const sha256 = await send(sandbox, archive);
  const { exitCode, output } = await run(sandbox, checkScript, [volumePath, sha256]);
  const why = visible(output.trim().split("\n").at(-1) ?? "");
  if (exitCode === 3) throw new Refusal(`This archive is damaged, and nothing was written: ${why}`);
  if (exitCode === 4) throw new Refusal(`This is no archive of a volume, and nothing was written: ${why}.`);
  if (exitCode === 5)
    throw new Refusal(`A file of this archive is not what its own list says; nothing was written: ${why}`);
  if (exitCode === 7)
    throw new Refusal(
      `In the volume ${why} is a link, or below one, and nothing is written through it. Look at it, and take it away.`,
    );
  if (exitCode !== 0) throw failedInside(exitCode, output);
  const [files, same, ...others] = lines(output);
  const found = { files: Number(files), same: Number(same), others: others.map((each) => each.replace(/^\.\//, "")) };
  if (others.length > 0 && where === "nothing is lost") return { ...found, written: "nothing" } as const;
  await said(sandbox, writeScript, [volumePath]);
  return { ...found, written: "all" } as const;
}

/** Its hash. */
async function send(sandbox: Sandbox, archive: AsyncIterable<Uint8Array>): Promise<string> {
  const process = await sandbox.exec(["sh", "-c", `cat >${archiveInside}`], { mode: "binary", timeoutMs: longestMs });
  const hash = createHash("sha256");
  const writer = process.stdin.getWriter();
  for await (const piece of archive) {
    hash.update(piece);
    await writer.write(piece);
  }
  await writer.close();
  const exitCode = await process.wait();
  if (exitCode !== 0) throw failedInside(exitCode, "the archive could not be sent");
  return hash.digest("hex");
}
