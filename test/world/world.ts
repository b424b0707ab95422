/**
 * A whole Parhelia against a stateful GitHub, stepped by hand. Everything is real but GitHub, the sandboxes and the clock.
 * A test that leaves an unknown request, a living sandbox, a held slot or an unexpected fault behind fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { pino } from "pino";
import { expect } from "vitest";
import type { RunDefaults } from "../../src/commands/command.ts";
import type { Budgets } from "../../src/core/budget.ts";
import { TaskId } from "../../src/core/ids.ts";
import { after, dayMs, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { pricedModels } from "../../src/core/pricing.ts";
import { usd, type MicroUsd } from "../../src/core/money.ts";
import type { Ids } from "../../src/core/ports/clock.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { isEnded, type Task } from "../../src/core/task.ts";
import type { Limits } from "../../src/engine/room.ts";
import type { Parts } from "../../src/assemble.ts";
import { counters } from "../../src/records/document.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { openGitHub, type GitHubStandIn } from "./github/open-github.ts";
import type { Life, Moment } from "./life.ts";
import { openSandboxes, type Inside, type SandboxStandIn } from "./sandboxes.ts";
import { webhookSecret, type WorldOperator } from "./service.ts";
import { openServices, type Shared } from "./services.ts";

export interface WorldOptions {
  readonly limits?: Partial<Limits> & {
    /** What the backend takes for a sandbox that runs for an hour. */
    readonly microUsdPerHour?: MicroUsd;
  };
  /** Where the operator is told, and of what. */
  readonly operator?: WorldOperator;
  readonly installations?: readonly number[];
  /** Repositories beside `acme/widgets`, each of another account on which the app is installed too. */
  readonly elsewhere?: readonly string[];
  /** Several services over one database, where it is not one over a file. */
  readonly shared?: Shared;
  /** When the first service dies. */
  readonly death?: Moment;
  /** What the service does by itself. */
  readonly schedule?: Parts["schedule"];
  /** The model's API; none unless told. */
  readonly model?: (request: Request) => Promise<Response>;
}

export interface World {
  readonly github: GitHubStandIn;
  readonly sandboxes: SandboxStandIn;
  readonly store: Store;
  readonly issue: number;
  /** Comments on the issue and lets GitHub deliver everything. The comment's id. */
  comment(body: string, how?: { readonly by?: string; readonly on?: number }): Promise<number>;
  /** Everything that GitHub holds is delivered. */
  deliver(): Promise<void>;
  /** The engine does all that is due at this instant. */
  dispatch(): Promise<void>;
  /** Time goes by, and what becomes due meanwhile is done. */
  pass(ms: number): Promise<void>;
  reconcile(): Promise<void>;
  /** The clock is set forward, or back where negative, with nothing done on the way. */
  jump(ms: number): void;
  /** Another service starts on what the store holds, for each that died, or for the first; it dies when told. */
  restart(death?: Moment): Promise<void>;
  /** Of a service that has died, or else of the first. */
  readonly life: Life;
  /** Of each service. */
  readonly lives: readonly Life[];
  /** Bodies of the app's comments, on the issue unless told. */
  said(on?: number): string[];
  tasks(): Promise<Task[]>;
  task(): Promise<Task>;
  inside(task?: string): Inside;
  now(): Instant;
  /** Lines of the log of level error; a test that expects some takes them. */
  takeFaults(): string[];
  /** A test that leaves sandboxes or tasks alive on purpose says so. */
  leaveAlive(): void;
}

const nothing = { day: undefined, month: undefined };
/** A world spends more in a day than people allow. */
export const unbounded: Budgets = { user: nothing, repository: nothing, installation: nothing, service: nothing };

const startAt = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
const defaults: RunDefaults = { timeoutMs: 60 * minuteMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };

export async function world(test: (w: World) => Promise<void>, options: WorldOptions = {}): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-world-"));
  try {
    await play(directory, test, options);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function play(directory: string, test: (w: World) => Promise<void>, options: WorldOptions): Promise<void> {
  let now = startAt;
  const clock = { now: () => now };
  const ids = countedIds();
  const faults: string[] = [];
  const log = pino({ level: "error" }, { write: (line: string) => void faults.push(line) });
  const github = await openGitHub({ directory, now: () => now, webhookSecret });
  let setBackMs = 0;
  const sandboxes = openSandboxes(clock, () => now + setBackMs);
  sandboxes.price = options.limits?.microUsdPerHour ?? sandboxes.price;
  const others: number[] = [];
  for (const repository of options.elsewhere ?? []) {
    await github.repository(repository);
    others.push(github.install(repository.split("/", 1).join("")));
  }
  github.deliveries.pending().forEach((delivery) => github.deliveries.drop(delivery, "lost"));
  const installations = options.installations ?? [github.installation, ...others];
  const limits: Limits = {
    maxSandboxes: 10,
    budgets: { ...unbounded, service: { day: undefined, month: usd(200) } },
    models: pricedModels(),
    network: { reaches: "list", hosts: [] },
    secrets: undefined,
    confirmAbove: undefined,
    maxWaitMs: 30 * minuteMs,
    keptMs: 90 * dayMs,
    ...options.limits,
  };
  const model = options.model ?? (() => Promise.reject(new Error("no model in this world")));
  const around = {
    clock,
    ids,
    log,
    defaults,
    limits,
    github,
    sandboxes,
    installations,
    model,
    operator: options.operator,
    schedule: options.schedule,
  };
  const services = openServices(around, { directory, shared: options.shared }, options.death);
  github.target = (request) => services.webhook(request);
  sandboxes.gateway = new Hono()
    .all("*", (context) => services.gateway(context.req.raw))
    // A service that died gave no answer: that is no status.
    .onError((error) => {
      throw error;
    });
  const issue = github.as("dana").openIssue("acme/widgets", "The null check is wrong", "It fails on an empty list.");
  let aliveOnPurpose = false;

  const w: World = {
    github,
    sandboxes,
    get store() {
      return services.store;
    },
    get life() {
      return services.life;
    },
    get lives() {
      return services.lives;
    },
    issue,
    async comment(body, how = {}) {
      const id = github.as(how.by ?? "dana").comment("acme/widgets", how.on ?? issue, body);
      await w.deliver();
      return id;
    },
    async deliver() {
      for (const attempt of await github.deliveries.deliverAll())
        if (!services.life.isOver) expect(attempt.status).toBe(202);
    },
    dispatch: async () => void (await services.dispatch()),
    async pass(ms) {
      const until = after(now, ms);
      for (;;) {
        const { nextAt } = await services.dispatch();
        if (nextAt === undefined || nextAt >= until) break;
        now = Instant.parse(Math.max(nextAt, now + 1));
      }
      now = until;
      await services.dispatch();
    },
    reconcile: async () => {
      await services.reconcile();
      await services.dispatch();
    },
    jump(ms) {
      now = after(now, ms);
      setBackMs += Math.max(0, -ms);
    },
    restart: (death) => services.restart(death),
    said: (on = issue) =>
      github
        .comments("acme/widgets", on)
        .filter((comment) => comment.author === "parhelia[bot]")
        .map((comment) => comment.body),
    tasks: async () => (await listTasks(services.store, now, { which: "all", limit: 100 })).toReversed(),
    async task() {
      const [task] = await w.tasks();
      if (task === undefined) throw new Error("There is no task.");
      return task;
    },
    inside: (task) => sandboxes.inside(task),
    now: () => now,
    takeFaults: () => faults.splice(0),
    leaveAlive: () => {
      aliveOnPurpose = true;
    },
  };
  await test(w);
  // What is being told when the test ends is told: at most a few pauses of the writer.
  for (let turn = 0; turn < 20; turn += 1) await w.pass(secondMs);
  expect(faults, "faults that the test did not expect").toEqual([]);
  expect(github.unknownRequests).toEqual([]);
  expect(github.faults.unused()).toEqual([]);
  if (!aliveOnPurpose) {
    expect(sandboxes.living(), "living sandboxes").toEqual([]);
    expect(
      (await w.tasks()).filter((task) => !isEnded(task)).map(({ id }) => id),
      "tasks that are not ended",
    ).toEqual([]);
    const [held] = await services.store.look(now, [{ counter: counters.running }]);
    expect(held, "held slots").toBe(0);
  }
  await github.close();
  await services.close();
}

/** Ids in order: `t_00000001`. */
export function countedIds(): Ids {
  let count = 0;
  const next = (): string => String((count += 1));
  let tasks = 0;
  return {
    task: () => TaskId.parse(`t_${String((tasks += 1)).padStart(8, "0")}`),
    trace: () => next().padStart(16, "0"),
    unique: () => next().padStart(32, "0"),
  };
}
