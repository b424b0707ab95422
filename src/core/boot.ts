/**
 * The first command of a sandbox. It exists because a sandbox is created with a command line and an environment only: the
 * runner itself is fetched from the gateway by its hash, so that one service and its runner always fit each other. Where it
 * is root and PARHELIA_AGENT_USER names another user by its number, the workspace, PARHELIA_AGENT_HOME and the task's folder
 * of the volume become that user's.
 */

/** A new sandbox may be up before its network is, and a service may be restarting. */
const triesForMs = 30_000;

/** Where a task sees its own folder of what outlives sandboxes (guide §2). */
export const keptPath = "/vol/parhelia";

/** Runs in the sandbox, as CommonJS in a Node.js of version 20 or later; it never touches the attempt's token. */
const script = `
const { createHash } = require("node:crypto");
const { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, writeFileSync } = require("node:fs");
const { tmpdir } = require("node:os");
const { join } = require("node:path");
const { pathToFileURL } = require("node:url");

const gateway = process.env.PARHELIA_GATEWAY ?? "";
const path = "/gateway/runner/" + sha256;
const isUnix = gateway.startsWith("unix:");
const { get } = require(gateway.startsWith("https:") ? "node:https" : "node:http");

const fetchOnce = () => new Promise((resolve, reject) => {
  const take = (answer) => {
    const chunks = [];
    answer.on("data", (chunk) => chunks.push(chunk));
    answer.on("error", reject);
    answer.on("end", () => {
      const code = Buffer.concat(chunks);
      const found = createHash("sha256").update(code).digest("hex");
      if (answer.statusCode !== 200) reject(new Error("the service answered " + answer.statusCode));
      else if (found !== sha256) reject(new Error("the service gave a file with SHA-256 " + found));
      else resolve(code);
    });
  };
  const request = isUnix
    ? get({ socketPath: gateway.slice("unix:".length), path }, take)
    : get(gateway.replace(/\\/$/, "") + path, take);
  request.setTimeout(10000, () => request.destroy(new Error("no answer in 10 s")));
  request.on("error", reject);
});

// The runner goes by what is left of these names.
const takeUser = () => {
  const { PARHELIA_AGENT_USER: user, PARHELIA_AGENT_HOME: home, PARHELIA_WORKSPACE: workspace } = process.env;
  delete process.env.PARHELIA_AGENT_USER;
  if (user === undefined || process.getuid() !== 0) return;
  try {
    for (const path of [workspace, home]) {
      mkdirSync(path, { recursive: true });
      chownSync(path, Number(user), Number(user));
    }
    // The task's folder of what outlives the sandbox, where there is one.
    if (existsSync(kept)) chownSync(kept, Number(user), Number(user));
    Object.assign(process.env, { PARHELIA_AGENT_USER: user, HOME: home });
  } catch (cause) {
    process.env.PARHELIA_WARNING = "The work runs as the runner's own user, as there is no other: " + cause.message;
  }
};

const main = async () => {
  const until = Date.now() + triesForMs;
  for (let pauseMs = 100; ; pauseMs = Math.min(2000, pauseMs * 2)) {
    try {
      return await fetchOnce();
    } catch (cause) {
      if (Date.now() + pauseMs > until) throw cause;
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
};

main().then((code) => {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-runner-"));
  const file = join(directory, "runner.mjs");
  // The work's git calls it as its credential helper, as another user; only its maker may change it.
  chmodSync(directory, 0o755);
  writeFileSync(file, code, { mode: 0o644, flag: "wx" });
  takeUser();
  process.env.PARHELIA_RUNNER = file;
  return import(pathToFileURL(file).href);
}).catch((cause) => {
  console.error("Parhelia's runner could not be started:", cause);
  process.exit(1);
});
`;

/**
 * argv that fetches the runner with this SHA-256 (64 hexadecimal digits) from the gateway in `PARHELIA_GATEWAY`, checks
 * it, and runs it in the same process with `PARHELIA_RUNNER` set to its file. Gives up after half a minute with exit code 1.
 */
export function bootCommand(sha256: string): string[] {
  if (!/^[0-9a-f]{64}$/.test(sha256)) throw new Error(`"${sha256}" is no SHA-256 in hexadecimal digits.`);
  return [
    "node",
    "-e",
    `const sha256 = "${sha256}";\nconst triesForMs = ${triesForMs};\nconst kept = "${keptPath}";${script}`,
  ];
}
