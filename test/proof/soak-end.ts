/** What the soak comes to, however often a replica and Redis died: one of everything, nothing twice, nothing lost, nothing left. */
import { expect } from "vitest";
import { attemptId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Task } from "../../src/core/task.ts";
import { readDue } from "../../src/records/due.ts";
import { counters, indexes } from "../../src/records/document.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { expectSound, livingProcesses } from "../e2e/leftovers.ts";
import { eventually } from "../world/eventually.ts";
import { expectLedger } from "../world/ledger.ts";
import type { Fleet } from "./soak-fleet.ts";
import { reportsOf, type SoakTask } from "./soak-tasks.ts";

const now = (): Instant => Instant.parse(Date.now());

/** Stops the replicas. `attempts` is how many sandboxes all tasks took. */
export async function expectSoakEnd(fleet: Fleet, asked: readonly SoakTask[]): Promise<{ attempts: number }> {
  const { url, token } = fleet.upstash;
  const store = openRedisStore({ url, token, replica: "soak" });
  try {
    // A lease of a replica that was killed at the very end runs out first, and reports are written under the longest one.
    await eventually(() => isAtRest(store), { withinMs: 180_000 });
    const tasks = await listTasks(store, now(), { which: "all", limit: asked.length + 10 });
    await expectTold(fleet, asked, tasks);
    expect(await fleet.stop(), "exit codes").toEqual(fleet.replicas.map(() => 0));
    expect(livingProcesses(fleet.root, ...tasks.map(({ id }) => id)), "processes").toEqual([]);
    await expectSettled(store, tasks);
    expect(await heldLeases(fleet), "held leases").toEqual([]);
    expectSound(fleet.repositories);
    expect(fleet.github.unknownRequests).toEqual([]);
    fleet.expectSilence();
    return { attempts: tasks.reduce((sum, task) => sum + task.attempts, 0) };
  } finally {
    await store.close();
  }
}

/** Neither now nor later is there something to do. */
async function isAtRest(store: Store): Promise<boolean> {
  const due = await readDue(store, now(), { limit: 1, maxSandboxes: 1 });
  return due.tasks.length + due.reports.length + due.requests.length === 0 && due.nextAt === undefined;
}

/** Each task ended as it had to, and its issue, pull request, branch and check say so once. */
async function expectTold({ github }: Fleet, asked: readonly SoakTask[], tasks: readonly Task[]): Promise<void> {
  expect(tasks).toHaveLength(asked.length);
  const place = ({ origin }: Task): string =>
    origin.place.kind === "issue"
      ? `${origin.place.repository.owner}/${origin.place.repository.name}#${origin.place.number}`
      : "";
  const byPlace = new Map(tasks.map((task) => [place(task), task]));
  const seen = asked.map((one) => {
    const task = byPlace.get(`${one.repository}#${one.issue}`);
    const ours = github.comments(one.repository, one.issue).filter(({ author }) => author === "parhelia[bot]");
    const reports = reportsOf(github, one).filter(({ body }) => body.includes(` ${task?.id} `)).length;
    return { issue: `${one.repository}#${one.issue}`, state: task?.state, reports, comments: ours.length };
  });
  const due = asked.map(({ kind, repository, issue }) => ({
    issue: `${repository}#${issue}`,
    state: kind.state,
    reports: 1,
    // `/parhelia cancel` is answered by one of its own.
    comments: kind.name === "cancelled" ? 2 : 1,
  }));
  const differs = seen.filter((one, index) => JSON.stringify(one) !== JSON.stringify(due[index]));
  const why = tasks.flatMap((task) =>
    "finding" in task && differs.some(({ issue }) => issue === place(task))
      ? `${place(task)}: ${task.finding.because}`
      : [],
  );
  expect(differs, `tasks that came to something else; ${why.join("; ")}`).toEqual([]);
  for (const repository of new Set(asked.map((one) => one.repository))) {
    const changed = asked.filter((one) => one.repository === repository && one.kind.publishes === 1);
    const pulls = github.pulls(repository);
    expect(pulls, `pull requests of ${repository}`).toHaveLength(changed.length);
    expect(new Set(pulls.map(({ pull }) => pull.head)).size).toBe(changed.length);
    expect(await github.branches(repository)).toHaveLength(1 + changed.length);
    const checks = github.checkRuns(repository);
    expect(checks, `check runs of ${repository}`).toHaveLength(changed.length);
    expect(checks.filter(({ status }) => status !== "completed")).toEqual([]);
  }
}

async function expectSettled(store: Store, tasks: readonly Task[]): Promise<void> {
  const [running, live] = await store.look(now(), [
    { counter: counters.running },
    { range: indexes.liveAttempts, limit: 1 },
  ]);
  expect(running, "held slots").toBe(0);
  expect(live, "attempts that have not ended").toEqual([]);
  const { open, lines } = await expectLedger(store, now());
  expect([...open.keys()], "held money").toEqual([]);
  expect(lines).toBeGreaterThanOrEqual(2 * tasks.reduce((sum, task) => sum + task.attempts, 0));
  for (const { id, attempts } of tasks) {
    for (let number = 1; number <= attempts; number += 1) {
      const [held] = await store.look(now(), [{ range: indexes.slices(attemptId(id, number)), limit: 1 }]);
      expect(held, "held money").toEqual([]);
    }
  }
}

/** Leases whose time is not over. The store has no list of them, as nothing but this asks for one. */
async function heldLeases({ upstash }: Fleet): Promise<string[]> {
  const call = async (...command: string[]): Promise<unknown> => {
    const headers = { authorization: `Bearer ${upstash.token}` };
    const response = await fetch(upstash.url, { method: "POST", headers, body: JSON.stringify(command) });
    const answer: unknown = await response.json();
    if (response.ok && typeof answer === "object" && answer !== null && "result" in answer) return answer.result;
    throw new Error(`${command[0]} was refused: ${JSON.stringify(answer)}`);
  };
  const held: string[] = [];
  let cursor = "0";
  do {
    const page = await call("SCAN", cursor, "MATCH", "*:l:*", "COUNT", "1000");
    const [next, names]: unknown[] = Array.isArray(page) ? page : [];
    if (typeof next !== "string" || !Array.isArray(names)) throw new Error("SCAN gave no page");
    for (const name of names)
      if (Number(await call("HGET", String(name), "until")) > Date.now()) held.push(String(name));
    cursor = next;
  } while (cursor !== "0");
  return held;
}
