/** The volume, as an operator makes, looks into, saves and restores it, over a stand-in of the account. */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  chownSync,
  readdirSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { writeNewPieces } from "../../src/store/archive-file.ts";
import { volumeCommand } from "../../src/terminal/volume.ts";
import { volumeWords } from "../../src/terminal/volume-words.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";

const { openModalVolumes } = await import("../../src/sandbox/modal/volume.ts");

const isMissing = !needs("bwrap");
// Often, as a test waits for what a sandbox has written.
const account = isMissing ? undefined : await openAccount({ commitMs: 200 });
afterAll(() => account?.close());

const modal = () => {
  if (account === undefined) throw new Error("there is no account");
  return account;
};

let count = 0;
const folders = ["config/claude", "config/env", "plugins", "checkpoints", "workspaces", "tasks"];

async function openDesk(given: { volume?: string; image?: string } = {}) {
  const volume = given.volume ?? `volume-${(count += 1)}`;
  const { tokenId, tokenSecret } = modal();
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const { image = "parhelia:live" } = given;
  const volumes = openModalVolumes({
    tokenId,
    tokenSecret,
    environment: undefined,
    app: "parhelia",
    volume,
    image,
    log,
  });
  const directory = mkdtempSync(join(tmpdir(), "parhelia-volume-"));
  onTestFinished(async () => {
    volumes.close();
    rmSync(directory, { recursive: true });
    expect(await modal().living()).toEqual([]);
  });
  const told: number[] = [];
  const does = async (...words: string[]): Promise<string> => {
    const asked = volumeWords(words);
    if (asked.kind === "wrong") throw new Error(asked.message);
    const said: string[] = [];
    const outcome = await volumeCommand(asked, {
      volumes,
      volume,
      clock: { now: () => Instant.parse(Date.parse("2026-12-01T10:00:00Z")) },
      writeNewFile: (path, pieces) => writeNewPieces(join(directory, path), pieces),
      say: (text) => void said.push(text),
      progress: (done) => void told.push(done),
    });
    return `${said.join("\n")}${outcome === "done" ? "" : "\n(not done)"}`;
  };
  /** Where the stand-in keeps the volume's files. */
  const files = async (): Promise<string> => {
    const found = (await modal().volumes()).find(({ name }) => name === volume);
    if (found === undefined) throw new Error("there is no such volume");
    return found.directory;
  };
  return { volume, directory, does, files, told };
}

const saved = "saved.tgz";

describe.skipIf(isMissing)("the volume", { timeout: 60_000 }, () => {
  test("is made with its folders, again with nothing to do", async () => {
    const { does, files, volume } = await openDesk();
    expect(JSON.parse(await does("init", "--json"))).toEqual({ created: folders, all_directories: folders });
    expect(existsSync(join(await files(), "config/claude"))).toBe(true);
    rmSync(join(await files(), "plugins"), { recursive: true });
    expect(JSON.parse(await does("init", "--json"))).toEqual({ created: ["plugins"], all_directories: folders });
    expect(await does("init")).toBe(`Volume ${volume}: all its folders were there.`);
  });

  test("is listed a folder at a time, and nothing beside it", async () => {
    const { does, files, volume } = await openDesk();
    await does("init");
    const root = await files();
    writeFileSync(join(root, "tasks/a\tb\u001b[2J.txt"), "12345");
    symlinkSync("/etc", join(root, "tasks/out"));
    const { entries, count: listed } = JSON.parse(await does("ls", "tasks", "--json"));
    expect(listed).toBe(2);
    expect(entries).toEqual([
      { path: "tasks/a\tb\u001b[2J.txt", kind: "file", bytes: 5, changedAt: expect.stringMatching(/^\d{4}-.*Z$/) },
      { path: "tasks/out", kind: "link", bytes: 4, changedAt: expect.any(String) },
    ]);
    expect(await does("ls")).toContain("  tasks/");
    expect(await does("ls", "tasks")).not.toContain("\u001b");
    for (const path of ["tasks/out", "../..", "none", "/etc"])
      await expect(does("ls", path)).rejects.toThrow(`The volume ${volume} has no folder`);
  });

  test("is saved with the hash of each file, and put back into another as it was", async () => {
    const from = await openDesk();
    await from.does("init");
    const root = await from.files();
    mkdirSync(join(root, "tasks/t_1/deep"), { recursive: true });
    const large = Buffer.alloc(3 * 1024 * 1024, "0123456789abcdef");
    writeFileSync(join(root, "tasks/t_1/deep/large.bin"), large);
    writeFileSync(join(root, 'tasks/t_1/naïve "q" $HOME.txt'), "odd\n");
    writeFileSync(join(root, "tasks/t_1/empty"), "");
    symlinkSync("deep/large.bin", join(root, "tasks/t_1/link"));
    const words = await from.does("backup", saved);
    const path = join(from.directory, saved);
    const sha256 = createHash("sha256").update(readFileSync(path)).digest("hex");
    expect(words).toBe(`Saved ${from.volume} into ${saved}: 3 files, ${statSync(path).size} bytes, sha256 ${sha256}.`);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(from.told.at(-1)).toBe(statSync(path).size);
    await expect(from.does("backup", saved)).rejects.toThrow("exists already");
    expect(await from.does("backup")).toContain(`${from.volume}-2026-12-01.tgz`);

    const to = await openDesk();
    expect(await to.does("restore", path)).toBe(`Restored 3 files into ${to.volume}; 0 of them were there already.`);
    const back = await to.files();
    expect(execFileSync("diff", ["--recursive", "--no-dereference", root, back], { encoding: "utf8" })).toBe("");
    expect(await to.does("restore", path)).toContain("3 of them were there already");
  });

  test("a restore that is killed half way goes on where it was, and leaves no half of a file", async () => {
    const from = await openDesk();
    await from.does("init");
    const root = await from.files();
    const names = Array.from({ length: 40 }, (_, n) => `tasks/f${n}`);
    for (const each of names) writeFileSync(join(root, each), `${each}\n`.repeat(1000));
    await from.does("backup", saved);

    const to = await openDesk();
    await to.does("init");
    const back = await to.files();
    const killed = to.does("restore", join(from.directory, saved)).then(
      () => "it was done",
      () => "killed",
    );
    await eventually(async () => readdirSync(join(back, "tasks")).length > 3, { withinMs: 20_000 });
    for (const { sandboxId } of await modal().living()) await modal().faults.end(sandboxId, { status: 3 });
    expect(await killed).toBe("killed");
    const whole = readdirSync(join(back, "tasks")).filter((each) => !each.startsWith("."));
    expect(whole.length).toBeLessThan(names.length);
    // Without --force: whatever stands there is as it is in the archive.
    expect(await to.does("restore", join(from.directory, saved))).toBe(
      `Restored 40 files into ${to.volume}; ${whole.length} of them were there already.`,
    );
    expect(execFileSync("diff", ["--recursive", root, back], { encoding: "utf8" })).toBe("");
  });

  test("names of every kind come back, with their owners, and what has a name like a half-written one stays", async () => {
    const { does, files, directory } = await openDesk();
    await does("init");
    const root = await files();
    const names = ["back\\slash", "carriage\rreturn", "-rf", "a", "a.part"];
    for (const name of names) writeFileSync(join(root, "tasks", name), `in ${name}`);
    mkdirSync(join(root, "tasks/t_1"));
    if (process.getuid?.() === 0) chownSync(join(root, "tasks/t_1"), 1500, 1500);
    await does("backup", saved);
    rmSync(join(root, "tasks/t_1"), { recursive: true });
    for (const name of names.slice(0, 4)) rmSync(join(root, "tasks", name));
    writeFileSync(join(root, "tasks/a.part"), "in a.part");
    await does("restore", join(directory, saved));
    for (const name of names) expect(readFileSync(join(root, "tasks", name), "utf8")).toBe(`in ${name}`);
    if (process.getuid?.() === 0) expect(statSync(join(root, "tasks/t_1")).uid).toBe(1500);
    expect(readdirSync(join(root, "tasks")).toSorted()).toEqual([...names, "t_1"].toSorted());
  });

  test("a folder that has become a link leads nowhere, with --force either", async () => {
    const { does, files, directory } = await openDesk();
    await does("init");
    const root = await files();
    mkdirSync(join(root, "tasks/t_1/d"), { recursive: true });
    mkdirSync(join(root, "tasks/t_2"));
    writeFileSync(join(root, "tasks/t_1/d/f"), "mine");
    await does("backup", saved);
    rmSync(join(root, "tasks/t_1/d"), { recursive: true });
    symlinkSync("../t_2", join(root, "tasks/t_1/d"));
    for (const more of [[], ["--force"]])
      await expect(does("restore", join(directory, saved), ...more)).rejects.toThrow("tasks/t_1/d is a link");
    expect(readdirSync(join(root, "tasks/t_2"))).toEqual([]);
  });

  test("a file that is another there stays unless it is to be replaced", async () => {
    const { does, files, volume, directory } = await openDesk();
    await does("init");
    const root = await files();
    writeFileSync(join(root, "tasks/a"), "old");
    writeFileSync(join(root, "tasks/b"), "old");
    await does("backup", saved);
    writeFileSync(join(root, "tasks/a"), "new");
    rmSync(join(root, "tasks/b"));
    const words = await does("restore", join(directory, saved));
    expect(words).toContain(`${volume} has other files in the place of these, and nothing was written.`);
    expect(words).toContain("  tasks/a");
    expect(words).toContain("(not done)");
    expect([readFileSync(join(root, "tasks/a"), "utf8"), existsSync(join(root, "tasks/b"))]).toEqual(["new", false]);
    await does("restore", join(directory, saved), "--force");
    expect(readFileSync(join(root, "tasks/a"), "utf8") + readFileSync(join(root, "tasks/b"), "utf8")).toBe("oldold");
  });

  describe("an archive", () => {
    /** Made by hand, with what its own list says of it. */
    function archive(directory: string, change: (data: string) => void, sums?: string): string {
      const data = join(directory, "data");
      mkdirSync(data, { recursive: true });
      writeFileSync(join(data, "a"), "a");
      const list = `${createHash("sha256").update("a").digest("hex")}  ./a\n`;
      writeFileSync(join(directory, "SHA256SUMS"), sums ?? list);
      change(data);
      const path = join(directory, "made.tgz");
      execFileSync("tar", ["-czf", path, "-C", directory, "SHA256SUMS", "data"]);
      return path;
    }
    const nothingOf = async (files: () => Promise<string>) => existsSync(join(await files(), "a"));

    test.each([
      ["a changed byte", (data: string) => writeFileSync(join(data, "a"), "b"), "is not what its own list says"],
      [
        "a file beside its list",
        (data: string) => writeFileSync(join(data, "x"), "x"),
        "is not what its own list says",
      ],
      ["a file less", (data: string) => rmSync(join(data, "a")), "is not what its own list says"],
    ])("with %s is refused, and nothing is written", async (_, change, words) => {
      const { does, files, directory } = await openDesk();
      await does("init");
      await expect(does("restore", archive(directory, change))).rejects.toThrow(words);
      expect(await nothingOf(files)).toBe(false);
    });

    test("that was cut, or leads out, or is something else, is refused", async () => {
      const { does, files, directory } = await openDesk();
      await does("init");
      const path = archive(directory, () => undefined);
      writeFileSync(join(directory, "cut.tgz"), readFileSync(path).subarray(0, -60));
      await expect(does("restore", join(directory, "cut.tgz"))).rejects.toThrow("This archive is damaged");
      const out = join(directory, "out.tgz");
      execFileSync("tar", [
        "-czf",
        out,
        "-C",
        directory,
        "--transform",
        "s,^data/a,../../tmp/out,",
        "-P",
        "SHA256SUMS",
        "data",
      ]);
      await expect(does("restore", out)).rejects.toThrow(/nothing was written/);
      const other = join(directory, "other.tgz");
      execFileSync("tar", ["-czf", other, "-C", directory, "data"]);
      await expect(does("restore", other)).rejects.toThrow("This is no archive of a volume");
      await expect(does("restore", join(directory, "none.tgz"))).rejects.toThrow("There is no file");
      expect(await nothingOf(files)).toBe(false);
    });
  });

  test("that is missing is not made by a look, and a missing image is told with the command", async () => {
    const { does, volume } = await openDesk();
    await expect(does("ls")).rejects.toThrow(`Modal has no volume ${volume}. Make it: parhelia volume init`);
    await expect(does("backup", saved)).rejects.toThrow("parhelia volume init");
    const other = await openDesk({ image: "none:live" });
    await expect(other.does("init")).rejects.toThrow("Modal has no image none:live. Make it: parhelia image build");
  });
});

test.each([
  ["", "What about the volume?"],
  ["lst", "There is no `volume lst`. Did you mean ls?"],
  ["ls --all", "`volume ls` does not take --all."],
  ["init now", "`volume init` takes no more words."],
  ["restore", "`volume restore` needs the file of a backup."],
])("`volume %s` is answered with what there is", (words, message) => {
  const asked = volumeWords(words === "" ? [] : words.split(" "));
  expect(asked).toMatchObject({ kind: "wrong", message: expect.stringContaining(message) });
});
