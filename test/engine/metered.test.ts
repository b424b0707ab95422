/** The backend's own meter beside our count: told at the end of an attempt, and never charged. */
import { expect, test } from "vitest";
import { usd } from "../../src/core/money.ts";
import { minuteMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { world, type World } from "../world/world.ts";

async function play(w: World): Promise<void> {
  await w.comment("/parhelia run -- make");
  await w.dispatch();
  await w.inside().says();
  await w.pass(10 * minuteMs);
  await w.inside().ends();
  await w.pass(minuteMs);
}

const compared = async (w: World) => {
  const { id } = await w.task();
  const events = await listEvents(w.store, w.now(), { task: id, level: "info", limit: 100 });
  return events.map(({ event }) => event).filter(({ type }) => type === "compute_compared");
};

test.each([
  [usd(0.05), "info"],
  [usd(0.0601), "info"],
  [usd(0.07), "warning"],
] as const)("a meter that comes to %i µ$ is told with level %s, beside the 60,000 that are charged", (metered, level) =>
  world(async (w) => {
    w.sandboxes.meter = () => metered;
    await play(w);
    const [event, ...more] = await compared(w);
    expect(more).toEqual([]);
    expect(event).toMatchObject({ level, details: { metered_micro_usd: metered } });
    expect(event?.details?.["charged_micro_usd"]).toBeGreaterThanOrEqual(60_000);
    expect(event?.message).toMatch(
      /^the backend's own meter comes to \$0\.0\d+ for the sandbox, and \$0\.0\d+ is charged$/,
    );
  }),
);

test("a backend without one, and one that does not answer, are no reason to wait and no fault", () =>
  world(async (w) => {
    await play(w);
    expect(await compared(w)).toEqual([]);
    w.sandboxes.meter = () => {
      throw new Error("no such call");
    };
    await w.comment("/parhelia retry");
    await w.dispatch();
    await w.inside().says();
    await w.inside().ends();
    await w.pass(minuteMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
    expect(await compared(w)).toEqual([]);
  }));
