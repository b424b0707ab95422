/**
 * A whole service with its loop in real time, over Upstash's stand-in that counts what it bills. Time is set forward by
 * hand: the loop's timers and the gateway's are the test's, and all that a moment brings about is done before the next.
 */
import { setImmediate as turn } from "node:timers/promises";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { pino } from "pino";
import { vi } from "vitest";
import { after, dayMs, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { openEngine } from "../../src/engine/engine.ts";
import { startLoop } from "../../src/engine/loop.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openGitHub } from "../world/github/open-github.ts";
import { openSandboxes, type SandboxStandIn } from "../world/sandboxes.ts";
import { openService, webhookSecret, type Service } from "../world/service.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { countedIds, unbounded } from "../world/world.ts";

export interface Stage {
  /** Calls of scripts that were billed so far: all but the streams of wakes. */
  spent(): number;
  readonly sandboxes: SandboxStandIn;
  /** GitHub delivers this comment. */
  comment(body: string): Promise<void>;
  /** Time goes by, and all that it brings about is done. */
  pass(ms: number): Promise<void>;
  /** All that was asked for is done. */
  settle(): Promise<void>;
  /** Lines of the log of level error. */
  readonly faults: readonly string[];
}

export interface Pace {
  /** How long the loop goes without a look where it knows of nothing that is due. */
  readonly quietMs: number;
  readonly reconcileEveryMs: number;
  /** 1 unless told. Calls come to them in turn. */
  readonly replicas?: number;
}

export async function stage(pace: Pace, test: (s: Stage) => Promise<void>): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-cost-"));
  const upstash = await openUpstash();
  let now = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
  const clock = { now: () => now };
  const faults: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void faults.push(line) });
  const github = await openGitHub({ directory, now: clock.now, webhookSecret });
  github.deliveries.pending().forEach((delivery) => github.deliveries.drop(delivery, "lost"));
  const sandboxes = openSandboxes(clock);
  const { url, token } = upstash;
  const watch = openWatch(github);
  const around = {
    clock,
    ids: countedIds(),
    log,
    github,
    sandboxes,
    installations: [github.installation],
    defaults: { timeoutMs: 60 * minuteMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null },
    limits: {
      models: [],
      network: { reaches: "list" as const, hosts: [] },
      secrets: undefined,
      confirmAbove: undefined,
      maxSandboxes: 10,
      budgets: unbounded,
      maxWaitMs: 30 * minuteMs,
      keptMs: 90 * dayMs,
    },
    model: () => Promise.reject(new Error("nobody asks the model here")),
  };
  const services = Array.from({ length: pace.replicas ?? 1 }, (_, n) =>
    openService(around, watch.over(openRedisStore({ url, token, replica: `replica-${n}` })), undefined),
  );
  let calls = 0;
  const next = (): Service => {
    const service = services[(calls += 1) % services.length];
    if (service === undefined) throw new Error("a stage has at least one service");
    return service;
  };
  github.target = (request) => next().webhook(request);
  sandboxes.gateway = new Hono().all("*", (context) => next().gateway(context.req.raw));
  const issue = github.as("dana").openIssue("acme/widgets", "The null check is wrong", "It fails on an empty list.");
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "setInterval", "clearInterval"] });
  const loops = services.map(({ store, room }) =>
    startLoop((moved) => openEngine(room, moved), { store, clock, log, ...pace }),
  );
  const pass = async (ms: number): Promise<void> => {
    for (const until = after(now, ms); now < until;) {
      const step = Math.min(secondMs, until - now);
      now = after(now, step);
      vi.advanceTimersByTime(step);
      await watch.settle();
    }
  };
  try {
    await watch.settle();
    await test({
      sandboxes,
      pass,
      settle: watch.settle,
      faults,
      spent: () => (upstash.billed.byName["EVALSHA"] ?? 0) + (upstash.billed.byName["EVAL"] ?? 0),
      async comment(body) {
        github.as("dana").comment("acme/widgets", issue, body);
        await github.deliveries.deliverAll();
        await watch.settle();
      },
    });
  } finally {
    for (const loop of loops) await loop.drain(0);
    vi.useRealTimers();
    for (const { store } of services) await store.close();
    await github.close();
    await upstash.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Watch {
  /** The same store, watched. */
  over(store: Store): Store;
  /** Resolves when nothing is asked of a store or of GitHub any more. */
  settle(): Promise<void>;
}

function openWatch(github: { fetch: (request: Request) => Promise<Response> }): Watch {
  let underWay = 0;
  const during = async <T>(work: Promise<T>): Promise<T> => {
    underWay += 1;
    try {
      return await work;
    } finally {
      underWay -= 1;
    }
  };
  const { fetch } = github;
  github.fetch = (request) => during(fetch(request));
  return {
    over: (store) => ({
      commit: (commit, asked) => during(store.commit(commit, asked)),
      look: (at, queries) => during(store.look(at, queries)),
      // The stream of wakes breaks off when its silence is set forward by minutes; that anything may have come is not news.
      onWake: (listener) => store.onWake((topic, from) => topic === "*" || listener(topic, from)),
      close: () => store.close(),
    }),
    async settle() {
      for (let quiet = 0; quiet < quietTurns;) {
        await turn();
        quiet = underWay === 0 ? quiet + 1 : 0;
      }
    },
  };
}

/** Turns of the event loop in which nothing was asked: what follows from an answer has been asked by then. */
const quietTurns = 20;
