/** Two releases on one state, as in a rolling restart: what the newer one wrote is worked on by the older one. */
import { expect, test } from "vitest";
import { z } from "zod";
import { AttemptId } from "../../src/core/ids.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import type { Json } from "../../src/core/ports/store.ts";
import { indexes, keys } from "../../src/records/document.ts";
import { computeSliceId } from "../../src/records/ledger.ts";
import { world, type World } from "../world/world.ts";

/** The same with fields that a later release might add, in every object but the one that is a map of commits. */
function newer(value: Json): Json {
  if (Array.isArray(value)) return value.map(newer);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).flatMap(([name, each]) =>
    each === undefined ? [] : [[name, name === "checks" ? each : newer(each)]],
  );
  return { ...Object.fromEntries(entries), of_a_later_release: { since: 2 } };
}

const fields = z.record(z.string(), z.json());

async function rewrite(w: World, id: string, change: (key: string, value: Json) => Json): Promise<void> {
  const attempt = `${id}-1`;
  const names = ["task/", "report/"]
    .map((kind) => kind + id)
    .concat(["attempt/", "heard/"].map((kind) => kind + attempt));
  for (const key of [...names, keys.slice(computeSliceId(AttemptId.parse(attempt)))]) {
    const [document] = await w.store.look(w.now(), [{ get: key }]);
    if (document === undefined) throw new Error(`there is no ${key} to rewrite`);
    // Its entries stay those that it had: the ones that lead to a task and to a live attempt.
    const created = (index: string) => ({ range: index, limit: 10 }) as const;
    const [tasks, live, attempts] = await w.store.look(w.now(), [
      created(indexes.tasks),
      created(indexes.live),
      created(indexes.liveAttempts),
    ]);
    const at = (index: string, hits: readonly { key: string; sort: string }[]) =>
      hits.filter((hit) => hit.key === key).map((hit) => [index, hit.sort] as const);
    const entries = [...at(indexes.tasks, tasks), ...at(indexes.live, live), ...at(indexes.liveAttempts, attempts)];
    const put = [{ key, value: change(key, document.value), entries }];
    await w.store.commit({ op: `rewrite/${key}/${document.version}`, now: w.now(), put });
  }
}

test("documents with fields of a later release are read, and the task goes on to its end", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.inside().says();
    await w.pass(20 * secondMs);
    await rewrite(w, (await w.task()).id, (_, value) => newer(value));
    await w.inside().says();
    await w.inside().ends({ files: { "a.txt": "mended\n" } });
    await w.pass(minuteMs);
    expect(await w.task()).toMatchObject({ state: "succeeded", published: { pullRequest: expect.any(Number) } });
    expect(w.said()).toHaveLength(1);
  }));

test("a task that this release does not understand holds up nobody else, and is not touched", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    const turn = (state: string) => (key: string, value: Json) =>
      key.startsWith("task/") ? { ...fields.parse(value), state } : value;
    const { id } = await w.task();
    await rewrite(w, id, turn("dreaming"));
    const second = w.github.as("dana").openIssue("acme/widgets", "Another", "It is wrong too.");
    await w.comment("/parhelia run -- true", { on: second });
    await w.pass(minuteMs);
    expect((await w.tasks()).map(({ id, state }) => [id, state])).toEqual([["t_00000002", "starting"]]);
    await w.inside("t_00000002").says();
    await w.inside("t_00000002").ends();
    await w.pass(minuteMs);
    await w.reconcile();
    expect(await w.task()).toMatchObject({ id: "t_00000002", state: "succeeded" });
    expect(w.sandboxes.living()).toEqual(["parhelia-t_00000001-1"]);
    const faults = w.takeFaults();
    expect(faults.length).toBeGreaterThan(0);
    expect(faults.length).toBeLessThan(10);
    expect(faults.join()).toContain("task/t_00000001 does not fit its schema: state");
    // The release that does understand it is back.
    await rewrite(w, id, turn("running"));
    await w.inside(id).ends();
    await w.pass(2 * minuteMs);
    expect((await w.tasks()).map(({ state }) => state)).toEqual(["succeeded", "succeeded"]);
    w.takeFaults();
  }));
