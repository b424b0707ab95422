/** An agent that lives and does nothing is stopped; a command may be silent, and a service that was away blames nobody. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { world, type World } from "../world/world.ts";

const heartbeat = { type: "heartbeat", level: "debug", message: "" } as const;

async function begin(w: World, what: string): Promise<void> {
  await w.comment(`/parhelia run --timeout 2h ${what}`);
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
}

/** Its runner lives and tells of no work. */
async function idles(w: World, minutes: number): Promise<void> {
  for (let half = 0; half < 2 * minutes; half += 1) {
    if (w.sandboxes.living().length === 0) return;
    await w.inside().says(heartbeat);
    await w.pass(30 * secondMs);
  }
}

test("an agent that does nothing for half an hour is stopped long before its time is up, and the report says why", () =>
  world(async (w) => {
    await begin(w, "fix it");
    await idles(w, 20);
    await w.inside().says({ type: "agent_text", level: "info", message: "Let me think." });
    await idles(w, 29);
    expect(await w.task()).toMatchObject({ state: "running" });
    await idles(w, 4);
    const stop = { kind: "cancel", because: "its agent did nothing for 30 minutes" };
    expect(await w.inside().inbox()).toMatchObject({ messages: [stop] });
    await w.inside().ends({ ended: "cancelled", files: { "half.txt": "half\n" } });
    await w.pass(minuteMs);
    expect(await w.task()).toMatchObject({
      state: "timed-out",
      finding: { because: "its agent did nothing for 30 minutes" },
      // What it had changed is not lost.
      published: { branch: expect.stringMatching(/^parhelia\//), pullRequest: null },
    });
    expect(w.sandboxes.living()).toEqual([]);
    expect(w.said()[0]).toContain("did nothing for 30 minutes");
  }));

test("one that hands nothing over when it is told to is ended a few minutes later, and the report says what is lost", () =>
  world(async (w) => {
    await begin(w, "fix it");
    await idles(w, 40);
    expect(await w.task()).toMatchObject({
      state: "timed-out",
      finding: { left: [expect.stringContaining("could not be had")] },
    });
    expect(w.sandboxes.living()).toEqual([]);
  }));

test("a plain command may be silent until its time is up", () =>
  world(async (w) => {
    await begin(w, "-- make everything");
    await idles(w, 90);
    expect(await w.task()).toMatchObject({ state: "running" });
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
  }));

test("what an agent did while the service was away counts", () =>
  world(async (w) => {
    await begin(w, "fix it");
    await idles(w, 5);
    w.jump(50 * minuteMs);
    await w.restart();
    await w.dispatch();
    expect(await w.task()).toMatchObject({ state: "running" });
    // What it kept is told in one push.
    await w.inside().says(heartbeat, { type: "agent_text", level: "info", message: "Half of it is done." }, heartbeat);
    await idles(w, 20);
    expect(await w.task()).toMatchObject({ state: "running" });
    await w.inside().ends();
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
  }));
