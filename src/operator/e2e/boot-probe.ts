/**
 * The runner of this checkout in a sandbox that has no service to report to: a gateway of one answer beside it gives it out by
 * its hash, hears it ask for its job, and sends it away.
 */
import { z } from "zod";
import { bootCommand } from "../../core/boot.ts";

/** In the sandbox, as CommonJS. Its words are the boot command as JSON, the bundle in base64, and the bundle's hash. */
const script = `
const { spawn } = require("node:child_process");
const { createServer } = require("node:http");
const [boot, bundle, sha256] = process.argv.slice(1);
const asked = [];
const server = createServer((request, answer) => {
  asked.push({ path: request.url, token: (request.headers.authorization || "").replace(/^Bearer /, "") });
  if (request.url === "/gateway/runner/" + sha256) return answer.end(Buffer.from(bundle, "base64"));
  answer.writeHead(410);
  answer.end("{}");
});
server.listen(0, "127.0.0.1", () => {
  const [, ...args] = JSON.parse(boot);
  const env = { ...process.env, PARHELIA_GATEWAY: "http://127.0.0.1:" + server.address().port, PARHELIA_TOKEN: "probe", PARHELIA_WORKSPACE: "/workspace" };
  const child = spawn(process.execPath, args, { env, stdio: ["ignore", "ignore", "pipe"] });
  const said = [];
  child.stderr.on("data", (chunk) => said.push(chunk));
  const late = setTimeout(() => child.kill("SIGKILL"), 45000);
  child.on("close", (code, signal) => {
    clearTimeout(late);
    console.log(JSON.stringify({ asked, code, signal, said: Buffer.concat(said).toString().slice(-1000) }));
    process.exit(0);
  });
});
`;

export function bootProbe({ code, sha256 }: { readonly code: Uint8Array; readonly sha256: string }): string[] {
  return ["node", "-e", script, JSON.stringify(bootCommand(sha256)), Buffer.from(code).toString("base64"), sha256];
}

const Heard = z.object({
  asked: z.array(z.object({ path: z.string(), token: z.string() })),
  code: z.number().nullable(),
  signal: z.string().nullable(),
  said: z.string(),
});

/** What is wrong by what the probe put out; undefined where the runner started and asked for its job. */
export function bootFault(stdout: string): string | undefined {
  const heard = Heard.safeParse(jsonOf(stdout));
  if (!heard.success) return `the probe said ${JSON.stringify(stdout.slice(-500))}`;
  const { asked, said, code, signal } = heard.data;
  if (asked.some(({ path, token }) => path === "/gateway/job" && token === "probe")) return undefined;
  const paths = asked.map(({ path }) => path).join(", ");
  return `it ended with ${signal ?? code} and asked for ${paths === "" ? "nothing" : paths}: ${said}`;
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What it put out instead is said by whoever asked.
    return undefined;
  }
}
