/** What is over for long leaves the store, and nothing else does. */
import { expect, test } from "vitest";
import { dayMs, hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { world, type World } from "../world/world.ts";

async function work(w: World, on: number): Promise<void> {
  await w.comment("/parhelia run fix it", { on });
  await w.dispatch();
  await w.inside().says();
  await w.pass(20 * secondMs);
  await w.inside().ends({ files: { "a.txt": `${on}\n` } });
  await w.pass(minuteMs);
}

const allEvents = (w: World) => listEvents(w.store, w.now(), { level: "info", limit: 1000 });

test("an ended task is kept for its days, and then it is gone with all that was its own", () =>
  world(async (w) => {
    await work(w, w.issue);
    const { id } = await w.task();
    w.jump(89 * dayMs);
    await w.reconcile();
    expect(await w.tasks()).toHaveLength(1);
    const second = w.github.as("dana").openIssue("acme/widgets", "Another", "It is wrong too.");
    await work(w, second);
    w.jump(2 * dayMs);
    await w.reconcile();
    expect((await w.tasks()).map((task) => task.id)).toEqual(["t_00000002"]);
    const events = (await allEvents(w)).map(({ event }) => event.task);
    expect(events.length).toBeGreaterThan(3);
    expect(events.filter((task) => task === id).length).toBeLessThanOrEqual(1);
    expect(await listEvents(w.store, w.now(), { task: id, level: "debug", limit: 10 })).toEqual([]);
    w.jump(100 * dayMs);
    await w.reconcile();
    await w.reconcile();
    expect(await w.tasks()).toEqual([]);
    // Whoever asks for it again is told that there is none.
    await w.comment(`/parhelia retry ${id}`);
    await w.pass(hourMs);
    expect(w.said().at(-1)).toContain(`There is no task \`${id}\``);
  }));

test("a task that has not ended is never forgotten", () =>
  world(async (w) => {
    await w.comment("/parhelia run --timeout 12h fix it");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    w.jump(200 * dayMs);
    await w.reconcile();
    expect(await w.tasks()).toHaveLength(1);
    await w.pass(minuteMs);
    await w.reconcile();
    // It is out of time now, and kept from now on.
    expect(await w.task()).toMatchObject({ state: "timed-out" });
  }));
