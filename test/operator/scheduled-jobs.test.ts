/** What the schedule does on Modal, over a stand-in of the account. */
import { expect, test } from "vitest";
import { rebuildImage } from "../../src/operator/scheduled-jobs.ts";
import type { ImageWorld } from "../../src/terminal/image.ts";
import { isMissing, modal, openDesk } from "../sandbox/image-desk.ts";

test.skipIf(isMissing)(
  "the image of the week is built, tried and made live; done again it is another, and a failure names its step",
  async () => {
    const { live, idOf, does, world } = openDesk();
    const open = async (keep: (line: string) => void): Promise<ImageWorld> => ({
      ...world,
      images: { ...world.images, close: () => undefined },
      say: keep,
      tell: keep,
    });
    expect(await rebuildImage(open)).toMatchObject({ outcome: "passed", words: "image weekly-20261125 is live" });
    const first = await live();
    expect(first).toBe(await idOf("weekly-20261125"));
    await does("list");
    expect(await rebuildImage(open)).toMatchObject({ outcome: "passed" });
    const second = await live();
    expect(second).not.toBe(first);
    await does("list");
    await modal().faults.failLayer("claude-code", "404 Not Found");
    expect(await rebuildImage(open)).toMatchObject({
      outcome: "failure",
      words: expect.stringContaining("Modal could not build layer 4 of 4"),
      failing: [{ job: "image-rebuild", step: "build and try" }],
      log: expect.stringContaining("Building layer 1 of 4"),
    });
    expect(await live()).toBe(second);
  },
);
