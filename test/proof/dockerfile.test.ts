/** The image's steps, carried out in an empty folder: what is copied is enough to install, to serve and to stop. */
import { spawn, spawnSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { chmodSync, chownSync, existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { needs } from "../world/needs.ts";
import { build, inside, type Stage } from "./dockerfile.ts";

const context = join(import.meta.dirname, "../..");

/** Of `.dockerignore`, whose first line keeps everything back and whose others let something through. */
function sent(): Set<string> {
  const lines = readFileSync(join(context, ".dockerignore"), "utf8").split("\n");
  const [first, ...rest] = lines.filter((line) => line !== "" && !line.startsWith("#"));
  expect(first).toBe("*");
  return new Set(rest.map((line) => line.replace(/^!/, "")));
}

/** Without this project's own programs: the image finds none beside npm's. */
const machinePath = (process.env["PATH"] ?? "")
  .split(delimiter)
  .filter((directory) => !directory.includes("node_modules"))
  .join(delimiter);

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  return typeof address === "object" && address !== null ? address.port : 0;
}

/** As the image's user where we may, and with the image's Node.js first. */
function asImage(stage: Stage, env: Record<string, string>) {
  const isRoot = process.getuid?.() === 0;
  return {
    cwd: inside(stage, stage.workdir),
    env: { ...stage.env, ...env, PATH: `${dirname(process.execPath)}${delimiter}${machinePath}` },
    ...(isRoot && stage.user !== undefined ? { uid: 1000, gid: 1000 } : {}),
  };
}

const argv = (stage: Stage, words: readonly string[]): string[] =>
  words.map((word) => (word.startsWith("/app/") ? inside(stage, word) : word));

test.skipIf(!needs("bwrap") || !needs("git"))(
  "the image installs, serves, is healthy, and drains on SIGTERM",
  async () => {
    const into = mkdtempSync(join(tmpdir(), "parhelia-image-"));
    onTestFinished(() => rmSync(into, { recursive: true }));
    chmodSync(into, 0o755);
    const through = sent();
    const stage = build(readFileSync(join(context, "Dockerfile"), "utf8"), {
      context,
      into,
      sends: (path) => through.has(path),
      path: machinePath,
    });
    expect(stage.user).toBe("node");
    expect(existsSync(inside(stage, "/app/node_modules/vitest"))).toBe(false);
    expect(existsSync(inside(stage, "/app/test"))).toBe(false);
    if (process.getuid?.() === 0)
      for (const path of ["/data", "/data/.parhelia"]) chownSync(inside(stage, path), 1000, 1000);

    const key = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs1", format: "pem" });
    const env = {
      PARHELIA_SERVER_HOST: "127.0.0.1",
      PARHELIA_SERVER_PORT: String(await freePort()),
      PARHELIA_GITHUB_APP_ID: "1",
      PARHELIA_GITHUB_PRIVATE_KEY: key.toString(),
      PARHELIA_GITHUB_WEBHOOK_SECRET: "secret",
    };
    const how = asImage(stage, env);
    const [program = "", ...args] = argv(stage, stage.command);
    const service = spawn(program, args, { ...how, stdio: ["ignore", "pipe", "pipe"] });
    onTestFinished(() => void service.kill("SIGKILL"));
    const said: string[] = [];
    for (const stream of [service.stdout, service.stderr])
      stream.on("data", (chunk: Buffer) => said.push(chunk.toString()));

    const healthy = () => spawnSync(stage.health[0] ?? "", argv(stage, stage.health).slice(1), how).status;
    expect(healthy()).not.toBe(0);
    await expect.poll(() => said.join(""), { timeout: 60_000 }).toContain('"listening"');
    expect(healthy()).toBe(0);
    expect(said.join("")).not.toContain("Claude Code is not installed");

    service.kill("SIGTERM");
    const [code] = await once(service, "exit");
    expect({ code, said: said.join("") }).toMatchObject({ code: 0, said: expect.stringContaining("draining") });
  },
);

test("a step that an engine would refuse fails here as well", () => {
  const into = mkdtempSync(join(tmpdir(), "parhelia-image-"));
  onTestFinished(() => rmSync(into, { recursive: true }));
  const tried = (text: string) => () =>
    build(text, { context, into, sends: (path) => path === "src", path: machinePath });
  expect(tried("FROM a\nCOPY README.md ./")).toThrow(".dockerignore keeps README.md back");
  expect(tried("FROM a\nCOPY --from=b /x ./")).toThrow("there is no stage b");
  expect(tried("FROM a\nRUN true \\\n  && false")).toThrow("RUN false");
  expect(tried("FROM a\nCMD node src/cli.ts")).toThrow("not valid JSON");
  expect(tried("FROM a\nSHELL x")).toThrow("SHELL is not known here");
});
