/**
 * Replicas of the service on one machine: processes of their own on one folder and one Redis, between stand-ins. GitHub's
 * deliveries go to one after the other, as behind a load balancer, and what a dead one does not take goes to the next.
 */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { openChild, type Child } from "../e2e/child.ts";
import { openGate } from "../e2e/gate.ts";
import { asRecord, killIfThere, livingProcesses } from "../e2e/leftovers.ts";
import { environment, expectSilence } from "../e2e/service.ts";
import { openGitHub, type GitHubStandIn } from "../world/github/open-github.ts";
import { openUpstash, type Upstash } from "../world/upstash/upstash.ts";

export interface FleetOptions {
  readonly replicas: number;
  readonly isolation: "bubblewrap" | "none";
  /** Beside `acme/widgets`, one for each owner. */
  readonly elsewhere: readonly string[];
}

export interface Fleet {
  readonly github: GitHubStandIn;
  readonly upstash: Upstash;
  readonly root: string;
  /** The folder of GitHub's repositories. */
  readonly repositories: string;
  readonly replicas: readonly Replica[];
  /** Deliveries that no replica took at their first try. */
  redelivered(): number;
  /** Ends all replicas as an operator does; their exit codes. */
  stop(): Promise<(number | null)[]>;
  /** The replicas' logs hold no secret. */
  expectSilence(): void;
}

export interface Replica {
  readonly said: Child["said"];
  start(): Promise<void>;
  kill(): Promise<void>;
  /** Of memory that it has now; undefined where it does not run. */
  residentMiB(): number | undefined;
  /** Has it say what it holds when all garbage is collected; `heldMiB` is the last that it said in this life. */
  askHeld(): void;
  heldMiB(): number | undefined;
  readonly url: string;
}

/** Starts none. `onTestFinished` clears up what is left of it all. */
export async function openFleet(
  onTestFinished: (close: () => Promise<void>) => void,
  { replicas, isolation, elsewhere }: FleetOptions,
): Promise<Fleet> {
  const root = mkdtempSync(join(tmpdir(), "parhelia-soak-"));
  const repositories = join(root, "github");
  mkdirSync(join(root, ".parhelia"));
  const gate = await openGate();
  const upstash = await openUpstash();
  const webhookSecret = randomBytes(20).toString("hex");
  const github = await openGitHub({
    directory: repositories,
    now: Date.now,
    webhookSecret,
    publicUrl: `http://github.localhost:${gate.port}`,
    // GitHub's limits by the hour are below what is asked of one account here in minutes.
    primaryLimit: 1_000_000,
    secondaryLimits: "off",
  });
  gate.serve(github.fetch);
  const installations = [github.installation];
  for (const repository of elsewhere) {
    await github.repository(repository);
    installations.push(github.install(repository.split("/")[0] ?? ""));
  }
  for (const delivery of github.deliveries.pending()) github.deliveries.drop(delivery, "lost");
  const secrets = { modelKey: "sk-ant-none", webhookSecret, privateKey: github.app.privateKey };
  const apiUrl = `http://127.0.0.1:${gate.port}/api/v3`;
  const modelUrl = `http://127.0.0.1:${gate.port}/model`;
  const env = {
    ...environment({ isolation, pricePerHour: 0.36, pollInterval: "10s", root, secrets, github, apiUrl, modelUrl }),
    PARHELIA_GITHUB_INSTALLATIONS: installations.join(","),
    PARHELIA_STORE_URL: upstash.url,
    UPSTASH_REDIS_REST_TOKEN: upstash.token,
  };
  const all = Array.from({ length: replicas }, () => openReplica(openChild(root, env)));
  const post = openPost(github, all);
  onTestFinished(async () => {
    await post.close();
    await Promise.all(all.map((each) => each.kill()));
    for (const process of livingProcesses(root)) killIfThere(Number(process.split(" ")[0]));
    await github.close();
    await gate.close();
    await upstash.close();
    rmSync(root, { recursive: true, force: true });
  });
  return {
    github,
    upstash,
    root,
    repositories,
    replicas: all,
    redelivered: post.redelivered,
    async stop() {
      await post.close();
      return Promise.all(all.map((each) => each.stop()));
    },
    expectSilence: () =>
      expectSilence(
        all.flatMap(({ said }) => said),
        secrets,
      ),
  };
}

const preload = `--import=${new URL("soak-heap.ts", import.meta.url).href}`;

function openReplica(child: Child): Replica & { stop(): Promise<number | null> } {
  let url = "";
  let bornAt = 0;
  let isUp = false;
  return {
    said: child.said,
    async start() {
      bornAt = child.said.length;
      url = `http://127.0.0.1:${await child.start([preload])}/webhook`;
      isUp = true;
    },
    askHeld() {
      const pid = child.pid();
      // The signal ends a process that does not listen for it yet.
      if (isUp && pid !== undefined) process.kill(pid, "SIGUSR2");
    },
    heldMiB() {
      const line = child.said.findLast((each, at) => at >= bornAt && each.includes('"msg":"held"'));
      const { mebibytes } = asRecord(line ?? "");
      return typeof mebibytes === "number" ? mebibytes : undefined;
    },
    async kill() {
      isUp = false;
      await child.end("SIGKILL");
    },
    stop() {
      isUp = false;
      return child.end("SIGTERM");
    },
    residentMiB: () => residentMiB(child.pid()),
    get url() {
      return url;
    },
  };
}

function residentMiB(pid: number | undefined): number | undefined {
  if (pid === undefined) return undefined;
  try {
    const [, kiB] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return kiB === undefined ? undefined : Number(kiB) / 1024;
  } catch {
    // It is gone by now.
    return undefined;
  }
}

/** Sends what is pending, from now until it is closed. */
function openPost(github: GitHubStandIn, replicas: readonly Replica[]) {
  const { deliveries } = github;
  let turn = 0;
  let redelivered = 0;
  const closing = new AbortController();
  const next = (): string => {
    for (let tried = 0; tried < replicas.length; tried += 1) {
      const url = replicas[turn++ % replicas.length]?.url;
      if (url !== undefined && url !== "") return url;
    }
    return "";
  };
  const run = async (): Promise<void> => {
    while (!closing.signal.aborted) {
      const [delivery] = deliveries.pending();
      const url = delivery === undefined ? "" : next();
      if (delivery !== undefined && url !== "") {
        github.target = url;
        const { status } = await deliveries.deliver(delivery);
        if (status >= 200 && status < 300) continue;
        redelivered += 1;
        deliveries.repeat(delivery);
      }
      await pause(20);
    }
  };
  const running = run();
  return {
    redelivered: () => redelivered,
    async close() {
      closing.abort();
      await running;
    },
  };
}
