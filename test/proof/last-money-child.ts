/**
 * One of several processes that want the last money of one purse: draws, or claims whole tasks, as often as told, and says
 * how much it was given.
 */
import { parseArgs } from "node:util";
import { attemptId, InstallationId, TaskId } from "../../src/core/ids.ts";
import type { Budgets, Ceiling } from "../../src/core/budget.ts";
import { Instant, minuteMs } from "../../src/core/instant.ts";
import { microUsd, plus, usd, type MicroUsd } from "../../src/core/money.ts";
import { admitted } from "../../src/core/moves.ts";
import { policyFrom } from "../../src/core/policy.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { Base, type InState } from "../../src/core/task.ts";
import { claimNeed } from "../../src/core/claim-need.ts";
import { claim } from "../../src/records/claim.ts";
import { createTask } from "../../src/records/create-task.ts";
import { keys } from "../../src/records/document.ts";
import { draw } from "../../src/records/ledger.ts";
import { join, taskEffects } from "../../src/records/task-put.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const { values } = parseArgs({
  options: {
    me: { type: "string", default: "" },
    path: { type: "string" },
    url: { type: "string", default: "" },
    token: { type: "string", default: "" },
    times: { type: "string", default: "1" },
    how: { type: "string", default: "draws" },
  },
});
const { me, path, url, token } = values;
const now = Instant.parse(Date.UTC(2026, 10, 25, 14));
const most = usd(10);
const repository: Ceiling = {
  scope: "repository/r1/2026-11-25",
  kind: "repository",
  of: "acme/widgets",
  period: "today",
  most,
};

const taskId = (n: number): TaskId => TaskId.parse(`t_${me}${String(n).padStart(7, "0")}`);

/** What it was given, or undefined. */
type Try = (store: Store, n: number) => Promise<MicroUsd | undefined>;

const drawOne: Try = async (store, n) => {
  const task = taskId(n);
  // From one to sixty cents, each another amount.
  const amount = microUsd(10_000 + ((n * 7919) % 590_000));
  const own: Ceiling = { scope: `task/${task}`, kind: "task", of: "this task", period: "", most: usd(5) };
  const attempt = attemptId(task, 1);
  const slice = { id: `${attempt}/compute/1`, kind: "compute", attempt, amount, drawnAt: now } as const;
  const drawn = await draw(store, slice, { ceilings: [own, repository] });
  return drawn.ok ? amount : undefined;
};

const nothing = { day: undefined, month: undefined };
const budgets: Budgets = {
  user: nothing,
  repository: { day: most, month: undefined },
  installation: nothing,
  service: nothing,
};

/** As the engine claims a slot: the task's move, its attempt and its slices in one commit. */
const claimOne: Try = async (store, n) => {
  const id = taskId(n);
  const task = askedFor(id, n);
  await createTask(store, { task, now, op: `create/${id}` });
  const base = { sha: "a".repeat(40), ref: "main", fetchRef: "refs/heads/main", url: null, into: "main", head: null };
  const admission = {
    base: Base.parse({ ...base, trusted: true, quoted: [] }),
    spec: task.spec,
    lowered: {},
    policy: policyFrom(defaultSettings(), {}),
  };
  const queued = admitted(task, admission, now);
  const microUsdPerHour = usd(0.36);
  const need = claimNeed(queued, { used: microUsd(0), budgets, microUsdPerHour, now });
  const claimed = claim(queued, { ...need, microUsdPerHour, maxSandboxes: 1000, now });
  const result = await store.commit({
    op: `claim/${id}`,
    now,
    versions: [[keys.task(id), 1]],
    ...join(taskEffects(task, claimed.task, now), claimed.also),
  });
  return result.ok ? plus(need.held.compute, need.held.model) : undefined;
};

/** Commands and agents, of one to fifty-nine minutes. */
function askedFor(id: TaskId, n: number): InState<"queued"> {
  const agent = { kind: "agent", instruction: "fix it", body: "", model: "claude-haiku-4-5" } as const;
  return {
    id,
    state: "queued",
    tries: 0,
    since: now,
    createdAt: now,
    attempts: 0,
    attemptsBefore: 0,
    ceiling: usd(5),
    origin: {
      place: {
        kind: "issue",
        installation: InstallationId.parse(50),
        repository: { id: 1, owner: "acme", name: "widgets" },
        number: n + 1,
        pullRequest: false,
      },
      actor: { id: n + 1, login: `person-${n}` },
    },
    spec: {
      work: n % 2 === 0 ? agent : { kind: "command", argv: ["make"] },
      timeoutMs: (1 + ((n * 7919) % 59)) * minuteMs,
      budget: usd(5),
      resources: { cpu: 1, memoryMiB: 512 },
      ref: null,
      publish: true,
    },
  };
}

const store = path === undefined ? openRedisStore({ url, token, replica: me }) : openSqliteStore({ path });
const one = values.how === "claims" ? claimOne : drawOne;
const all = await Promise.all(Array.from({ length: Number(values.times) }, (_, n) => one(store, n)));
await store.close();
const given = all.filter((amount) => amount !== undefined);
process.stdout.write(JSON.stringify({ given: plus(...given), times: given.length }));
