/** The life of one failing workflow, in which the service may die at any call; then it starts again and goes on. */
import { dayMs, minuteMs } from "../../src/core/instant.ts";
import type { Moment } from "../world/life.ts";
import { world, type World } from "../world/world.ts";
import { failedJob, issueOf, rebuild, saidIn, widgets } from "./failure-runs.ts";

interface Told {
  readonly seen: unknown;
  readonly calls: readonly string[];
  readonly died: boolean;
}

/** Failure, failure, success, failure: what is seen at the end, and what was called. */
export async function story(death?: Moment): Promise<Told> {
  let outcome: Told | undefined;
  await world(
    async (w) => {
      let died = false;
      const calls = w.life.calls;
      for (const conclusion of ["failure", "failure", "success", "failure"]) {
        await w.pass(dayMs);
        w.github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion, jobs: [failedJob()] });
        await settle(w);
        died ||= w.life.isOver;
        if (w.life.isOver) await w.restart();
        for (const { delivery, status } of w.github.deliveries.attempts())
          if (status !== 202 && !w.github.deliveries.pending().some(({ guid }) => guid === delivery.guid))
            w.github.deliveries.repeat(delivery);
        await settle(w);
      }
      const { title, labels, state, body } = issueOf(w);
      w.takeFaults();
      outcome = { seen: { title, labels, state, body, said: saidIn(issueOf(w)) }, calls, died };
    },
    death === undefined ? {} : { death },
  );
  if (outcome === undefined) throw new Error("nothing was played");
  return outcome;
}

async function settle(w: World): Promise<void> {
  await w.github.deliveries.deliverAll();
  await w.pass(minuteMs);
}
