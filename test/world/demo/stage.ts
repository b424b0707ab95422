/** All that the demonstration runs on, in one temporary directory, and its end. */
import { randomBytes } from "node:crypto";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findClaude } from "../../../src/sandbox/local/find-claude.ts";
import { openGitHub, type GitHubStandIn } from "../github/open-github.ts";
import type { Script } from "../model-script.ts";
import { openModel, type ModelWorld } from "../model.ts";
import type { Backend, BackendName } from "./backend.ts";
import { localBackend } from "./local.ts";
import { modalBackend } from "./modal.ts";
import { freePort, tries } from "./programs.ts";
import * as sample from "./sample.ts";
import { startServiceProcess, type ServiceProcess } from "./service.ts";

export interface Stage {
  readonly github: GitHubStandIn;
  /** Undefined where the real model answers. */
  readonly model: ModelWorld | undefined;
  readonly service: ServiceProcess;
  /** The service's own database. */
  readonly database: string;
  /** For what else has to be written down. */
  readonly directory: string;
  /** The stand-in's bare repositories are in it. */
  readonly repositories: string;
  readonly backend: Backend;
  /** Ends every process and removes every file. The service's exit status. */
  close(): Promise<number | null>;
}

export interface Ask {
  /** Of the real model; without it a script answers. */
  readonly apiKey: string | undefined;
  readonly script: Script;
  readonly path: string;
  readonly sandbox: BackendName;
  /** What the service is told beside. */
  readonly env: Readonly<Record<string, string>>;
}

/** Why the demonstration cannot be given here, with the cure. */
export class Missing extends Error {
  override readonly name = "Missing";
}

/** Throws `Missing`. */
export async function openStage(ask: Ask): Promise<Stage> {
  const { path } = ask;
  if (process.platform !== "linux") throw new Missing("The local sandboxes need Linux.");
  if (!tries("git", ["--version"], path)) throw new Missing("git is missing: apt-get install git");
  if (findClaude(path) === undefined)
    throw new Missing("Claude Code is missing: npm ci (without --omit=optional) brings it");
  if (ask.sandbox === "modal" && !tries("bwrap", ["--ro-bind", "/", "/", "true"], path))
    throw new Missing("The stand-in for Modal needs bubblewrap for its sandboxes: apt-get install bubblewrap");
  const directory = await mkdtemp(join(shortPlace(tmpdir()), "parhelia-demo-"));
  const ends: (() => Promise<unknown>)[] = [() => rm(directory, { recursive: true, force: true })];
  const close = async (): Promise<void> => {
    for (const end of ends.splice(0).toReversed()) await end();
  };
  try {
    return await build({ ...ask, directory, ends, close });
  } catch (error) {
    await close();
    throw error;
  }
}

/** A socket's path has at most 107 bytes. */
const shortPlace = (place: string): string => (Buffer.byteLength(place) <= 40 ? place : "/tmp");

interface Place extends Ask {
  readonly directory: string;
  readonly ends: (() => Promise<unknown>)[];
  close(): Promise<void>;
}

async function build({ apiKey, script, path, env: more, sandbox, directory, ends, close }: Place): Promise<Stage> {
  const [root, home, repositories] = ["service", "home", "github"].map((name) => join(directory, name));
  if (root === undefined || home === undefined || repositories === undefined) throw new Error("no directories");
  await mkdir(join(root, ".parhelia"), { recursive: true });
  await mkdir(home);
  const webhookSecret = randomBytes(16).toString("hex");
  const port = await freePort();
  const publicUrl = `http://github.localhost:${port}`;
  const github = await openGitHub({
    directory: repositories,
    now: Date.now,
    webhookSecret,
    publicUrl,
    deliveries: "auto",
  });
  ends.push(() => github.close());
  const { url } = await github.listen(port);
  await github.repository(sample.repository, sample.files);
  const scriptKey = `scripted-${randomBytes(8).toString("hex")}`;
  const model = apiKey === undefined ? await openModel({ script, apiKey: scriptKey }) : undefined;
  if (model !== undefined) ends.push(() => model.close());
  const env = {
    PATH: path,
    HOME: home,
    TMPDIR: directory,
    PARHELIA_GITHUB_WEBHOOK_SECRET: webhookSecret,
    PARHELIA_GITHUB_PRIVATE_KEY: github.app.privateKey,
    ANTHROPIC_API_KEY: apiKey ?? scriptKey,
    PARHELIA_GITHUB_APP_ID: String(github.app.id),
    PARHELIA_GITHUB_WEB_URL: publicUrl,
    // The system's resolver need not know names below localhost; the sandboxes' proxy and browsers do.
    PARHELIA_GITHUB_API_URL: `${url}/api/v3`,
    PARHELIA_GITHUB_INSTALLATIONS: String(github.installation),
    PARHELIA_SANDBOX_TIMEOUT: "10m",
    ...(model === undefined ? {} : { PARHELIA_AGENT_API_URL: model.url }),
    ...more,
  };
  const backend = await backends[sandbox]({ path, directory, root, env });
  ends.push(() => backend.close());
  const service = await startServiceProcess(root, { ...env, ...backend.env });
  let status: number | null = null;
  ends.push(async () => (status = await service.stop()));
  github.target = `${service.url}/webhook`;
  return {
    github,
    model,
    service,
    backend,
    directory,
    repositories,
    database: join(root, ".parhelia", "orchestrator.db"),
    async close() {
      await close();
      return status;
    },
  };
}

const backends = { local: localBackend, modal: modalBackend } as const;
