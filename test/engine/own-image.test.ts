/** A repository's own base: what people read while its image is built, and where there are no images. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { settingsPath } from "../../src/core/settings/schema.ts";
import { world, type World } from "../world/world.ts";

const asks = async (w: World, more = ""): Promise<void> => {
  const text = `[sandbox]\nimage = "nvidia/cuda:12.6.2-runtime-ubuntu24.04"\n${more}`;
  await w.github.as("dana").push("acme/widgets", { [settingsPath]: text });
  await w.deliver();
  await w.comment("/parhelia run fix it");
  await w.dispatch();
};

test("a task waits while its image is built, without a sandbox, and then for its machine", () =>
  world(async (w) => {
    w.sandboxes.images = "building";
    w.sandboxes.cards("H100", "taken");
    await asks(w, 'gpu = "H100"\n');
    expect(await w.task()).toMatchObject({ state: "waiting", for: "capacity", machine: { building: true } });
    expect(w.said().join("\n")).toContain("Its image is being built");
    expect(w.sandboxes.made).toEqual([]);
    await w.pass(5 * minuteMs);
    w.sandboxes.images = "built";
    await w.pass(minuteMs);
    const waits = await w.task();
    expect(waits).toMatchObject({ state: "waiting", for: "capacity", machine: { gpu: "H100" } });
    expect(waits).not.toHaveProperty("machine.building");
    w.sandboxes.cards("H100", "free");
    await w.pass(minuteMs);
    expect(w.inside().spec).toMatchObject({ image: "nvidia/cuda:12.6.2-runtime-ubuntu24.04" });
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends();
    await w.pass(minuteMs);
  }));

test("an image that is not built in its time is given up, with nothing spent", () =>
  world(async (w) => {
    w.sandboxes.images = "building";
    await asks(w);
    await w.pass(31 * minuteMs);
    expect((await w.task()).state).toBe("failed");
    expect(w.said().join("\n")).toContain("its image was not built in 30m");
    expect(w.sandboxes.made).toEqual([]);
  }));

test("where there are no images, one that the settings name is refused before anything is made", () =>
  world(async (w) => {
    await asks(w);
    expect(w.said().join("\n")).toContain("names an image, and images need Modal");
    expect(w.sandboxes.made).toEqual([]);
    await w.pass(secondMs);
  }));
