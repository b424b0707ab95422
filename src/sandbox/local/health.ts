/** A look at what sandboxes on this machine need, from a sandbox made as those of tasks are, in a place of its own. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { failed, ok, unseen, type Seen } from "../../core/checkup.ts";
import { blind, noClaude, type Claude, type Sight } from "../../core/health.ts";
import type { SandboxName } from "../../core/ids.ts";
import { minuteMs } from "../../core/instant.ts";
import { visible } from "../../core/markdown.ts";
import { noMoney } from "../../core/money.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { OpenDoor } from "./doors.ts";
import { openLocalSandboxes, type LocalSandboxesOptions, type LocalSandboxes } from "./open-local-sandboxes.ts";

export interface LocalHealthOptions extends Pick<LocalSandboxesOptions, "isolation" | "node"> {
  /** Where Claude Code is to be; undefined where it was not found. */
  readonly claude: string | undefined;
  /** The folder that the service keeps everything in. */
  readonly home: string;
  readonly name: SandboxName;
  readonly clock: Clock;
  /** The gateway's door of the sandbox; what comes in at `/health` resolves `heard`. */
  readonly open: OpenDoor;
  readonly heard: Promise<unknown>;
}

const lifetimeMs = minuteMs;
/** Of Modal alone. */
const elsewhere = ["modal_connected", "app_deployed", "image_found"] as const;

export async function lookAtMachine(options: LocalHealthOptions): Promise<Sight> {
  const kept = await keeps(options.home);
  let place: string | undefined;
  try {
    place = mkdtempSync(join(tmpdir(), "parhelia-health-"));
    const sandboxes = await openLocalSandboxes({
      isolation: options.isolation,
      node: options.node,
      clock: options.clock,
      socketDirectory: join(place, "doors"),
      stateDirectory: join(place, "sandboxes"),
      readOnly: options.claude !== undefined && existsSync(options.claude) ? [options.claude] : [],
      slots: 1,
      limits: {},
    });
    return { ...(await lookInside(sandboxes, options, kept)), image: null, cost: noMoney };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const seen = blind("sandbox_started", failed(visible(why), cureOf(options)), elsewhere);
    return { seen: { ...seen, volume_mounted: kept }, claude: noClaude, image: null, cost: noMoney };
  } finally {
    if (place !== undefined) rmSync(place, { recursive: true, force: true });
  }
}

const cureOf = ({ isolation }: LocalHealthOptions): string =>
  isolation === "none"
    ? "Run the service on Linux, with a folder for temporary files that can be written to."
    : 'Install bubblewrap (apt-get install bubblewrap) and allow user namespaces; or run tasks without isolation (sandbox.isolation = "none").';

/** On this machine the folder of the service is what outlives a sandbox. */
async function keeps(home: string): Promise<Seen> {
  const file = join(home, ".health");
  try {
    mkdirSync(home, { recursive: true, mode: 0o700 });
    writeFileSync(file, "kept");
    const is = readFileSync(file, "utf8");
    rmSync(file);
    if (is === "kept") return ok(`${home} keeps what is written`);
    return failed(`${home} does not keep what is written.`, homeCure(home));
  } catch (error) {
    return failed(`${home} cannot be written to: ${error instanceof Error ? error.message : ""}`, homeCure(home));
  }
}

const homeCure = (home: string): string =>
  `Give the user of the service the right to write to ${home}, and room on its disk.`;

/** Says by the gateway's socket what it found. CommonJS, in the Node.js that the sandbox has. */
const script = `
const { spawnSync } = require("node:child_process");
const [, gateway, claude] = process.argv;
const asked = claude === undefined ? undefined : spawnSync(claude, ["--version"], { encoding: "utf8", timeout: 20000 });
const body = JSON.stringify(asked === undefined ? {} : {
  exitCode: asked.status ?? -1,
  output: (asked.stdout ?? "") + (asked.stderr ?? "") + (asked.error?.message ?? ""),
});
const request = require("node:http").request({
  socketPath: gateway.slice("unix:".length),
  path: "/health",
  method: "POST",
  headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
}, (answer) => answer.resume());
request.end(body);
`;

const Told = z.object({ exitCode: z.number().optional(), output: z.string().optional() });

async function lookInside(
  sandboxes: LocalSandboxes,
  options: LocalHealthOptions,
  kept: Seen,
): Promise<Pick<Sight, "seen" | "claude">> {
  const { claude, name, open } = options;
  const door = await sandboxes.serve(open);
  try {
    await sandboxes.create({
      name,
      command: ["node", "-e", script, sandboxes.gatewayAddress, ...(claude === undefined ? [] : [claude])],
      env: {},
      resources: { cpu: 1, memoryMiB: 1024 },
      lifetimeMs,
    });
    const told = Told.safeParse(await options.heard).data;
    const agent = claudeSeen(told, claude);
    const seen = {
      ...blind("sandbox_started", ok(`a sandbox starts (${options.isolation})`), elsewhere),
      volume_mounted: kept,
      claude_installed: told === undefined ? unseen("not looked at: gateway_reachable is false") : agent.seen,
      gateway_reachable: told === undefined ? silent : ok("a sandbox reaches the service by its own socket"),
    };
    return { seen, claude: agent.claude };
  } finally {
    await sandboxes.end(name);
    await door.close();
  }
}

const silent = failed(
  "A sandbox started and was not heard by its socket.",
  "Look for a limit on its memory (1 GiB) or processes, and at what else runs on this machine; then run parhelia health again.",
);

const claudeCure =
  "Install it (npm install --global @anthropic-ai/claude-code), or name where it is (agent.claude_path). Commands run without it.";

function claudeSeen(told: z.output<typeof Told> | undefined, path: string | undefined): { seen: Seen; claude: Claude } {
  const output = visible(told?.output ?? "").trim();
  const version = /^\d+\.\d+\.\d+\S*/.exec(output)?.[0] ?? null;
  if (path !== undefined && told?.exitCode === 0 && version !== null) {
    return { seen: ok(`Claude Code ${version} at ${path}`), claude: { version, path, error: null } };
  }
  if (path === undefined) {
    const error = "claude: not found";
    return { seen: failed("Claude Code is not on this machine.", claudeCure), claude: { ...noClaude, error } };
  }
  const error = output === "" ? `it ended with ${told?.exitCode ?? "nothing"}` : output.slice(0, 500);
  return {
    seen: failed(`${path} --version failed in a sandbox: ${error.replaceAll(/\s+/g, " ").slice(0, 200)}`, claudeCure),
    claude: { version: null, path, error },
  };
}
