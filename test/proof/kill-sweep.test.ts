/** The service is killed at every call that a task makes to GitHub, before and after GitHub has carried it out. */
import { describe, expect, test } from "vitest";
import { openStage } from "../e2e/service.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";

const ready = needs("git") && needs("bwrap");

/** A task makes about this many calls; the last ones, where it makes fewer, find it ended. */
const calls = 27;
const points = Array.from({ length: calls }, (_, index) => index + 1).flatMap((nth) => [
  { nth, when: "before" as const },
  { nth, when: "after" as const },
]);

describe.concurrent("killed and started again, the end is the same", { timeout: 120_000 }, () => {
  test.skipIf(!ready).for(points)("at call $nth, $when it is carried out", async ({ nth, when }, context) => {
    const stage = await openStage(context.onTestFinished, { script: say("Nothing to do."), pricePerHour: 3.6 });
    const { github, issue } = stage;
    await stage.start();
    const hold = stage.hold({ path: /^\//, nth, when });
    await stage.comment("/parhelia run -- sh -c 'echo done > done.txt'");
    const isReached = await Promise.race([hold.reached.then(() => true), stage.ended(60_000).then(() => false)]);
    if (isReached) {
      await stage.kill();
      hold.release();
      await stage.start();
    }
    expect((await stage.ended(60_000)).task).toMatchObject({ state: "succeeded", attempts: 1 });
    expect(github.comments("acme/widgets", issue).map(({ author }) => author)).toEqual(["dana", "parhelia[bot]"]);
    expect(github.pulls("acme/widgets")).toHaveLength(1);
    expect(await github.branches("acme/widgets")).toHaveLength(2);
    expect(github.checkRuns("acme/widgets")).toHaveLength(1);
    await stage.expectNothingLeft();
  });
});
