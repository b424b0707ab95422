/** Runs of workflows as the records keep them: once, whoever tells of them at the same time, and without secrets. */
import { expect, onTestFinished, test } from "vitest";
import { InstallationId } from "../../src/core/ids.ts";
import type { Workflow, WorkflowRun } from "../../src/core/failures.ts";
import { Instant, secondMs } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { redactor } from "../../src/core/redact.ts";
import { readDue } from "../../src/records/due.ts";
import { endFailures, hearRuns, noteRun, takeFailures, workflowId } from "../../src/records/failures.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { countedIds } from "../world/world.ts";

const now = Instant.parse(Date.parse("2026-11-25T08:00:00Z"));
const workflow: Workflow = {
  kind: "actions",
  installation: InstallationId.parse(5),
  repository: { id: 500_001, owner: "acme", name: "widgets" },
  file: "image-rebuild.yml",
  name: "Weekly image rebuild",
  branch: "main",
};
const run = (number: number, outcome: WorkflowRun["outcome"] = "failure"): WorkflowRun => ({
  number,
  attempt: 1,
  outcome,
  endedAt: now,
  trigger: "schedule",
  title: "",
});

function open() {
  const store: Store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  const ids = countedIds();
  const due = async () => (await readDue(store, now, { limit: 10, maxSandboxes: 1 })).failures;
  const take = async (holder: string) =>
    takeFailures(store, { id: workflowId(workflow), holder, ttlMs: secondMs, now, op: ids.unique() });
  const told = { issue: undefined, refused: undefined, tries: 0, again: undefined, events: [] };
  const nothing = { queries: [], maxSandboxes: 1 } as const;
  return { store, ids, due, take, told, nothing };
}

test("a failure is due, a success where nothing had failed is not, and a repetition changes nothing", async () => {
  const { store, ids, due } = open();
  expect(await hearRuns(store, ids, { workflow, runs: [run(1, "passed")], now })).toBe("kept");
  expect(await due()).toEqual([]);
  expect(await hearRuns(store, ids, { workflow, runs: [run(2)], now })).toBe("kept");
  expect(await hearRuns(store, ids, { workflow, runs: [run(2)], now })).toBe("known");
  expect(await due()).toEqual(["500001/image-rebuild.yml"]);
});

test("ten replicas that hear of ten runs at once keep all ten", async () => {
  const { store, ids, take } = open();
  await Promise.all(Array.from({ length: 10 }, (_, n) => hearRuns(store, ids, { workflow, runs: [run(n)], now })));
  const turn = await take("one");
  expect(turn?.failures.value.runs.map(({ number }) => number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
});

test("one holder at a time; a run that comes meanwhile stays, and makes it due again", async () => {
  const { store, ids, due, take, told, nothing } = open();
  await hearRuns(store, ids, { workflow, runs: [run(1)], now });
  const turn = await take("one");
  expect(await take("other")).toBeUndefined();
  await hearRuns(store, ids, { workflow, runs: [run(2)], now });
  if (turn === undefined) throw new Error("nobody had it");
  await endFailures(store, turn, { shown: told, now, ids, due: nothing });
  expect(await due()).toEqual([workflowId(workflow)]);
  const again = await take("other");
  expect(again?.failures.value.runs).toHaveLength(2);
  if (again === undefined) throw new Error("nobody had it");
  await endFailures(store, again, { shown: told, now, ids, due: nothing });
  expect(await due()).toEqual([]);
});

test("a job of the service's own is kept by its start, its words without secrets and bounded", async () => {
  const { store, ids, due } = open();
  const secret = "a secret that nobody may ever see";
  const note = {
    repository: "acme/Parhelia",
    workflow: "image-rebuild",
    outcome: "failure",
    startedAt: now,
    endedAt: now,
    trigger: "schedule",
    failing: [{ job: "build", step: `with ${secret}` }],
    log: `${"x".repeat(40_000)}\n${secret}\nthe end`,
  } as const;
  const about = { ids, now, redact: redactor([secret]) };
  expect(await noteRun(store, note, about)).toBe("kept");
  expect(await noteRun(store, note, about)).toBe("known");
  expect(await due()).toEqual(["service/acme/parhelia/image-rebuild"]);
  const [document] = await store.look(now, [{ get: "failure/service/acme/parhelia/image-rebuild" }]);
  const text = JSON.stringify(document);
  expect(text).not.toContain(secret);
  expect(text).toContain("the end");
  expect(text.length).toBeLessThan(20_000);
});
