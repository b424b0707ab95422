/** The four kinds of task that the crash sweep kills the service in, and what each comes to however often it dies. */
import { expect } from "vitest";
import { heartbeatEveryMs } from "../../src/core/protocol.ts";
import { fixFile, say, type Script } from "../world/model-script.ts";
import type { Stage } from "../e2e/service.ts";

export interface Kind {
  readonly name: "command" | "agent" | "cancelled" | "failing";
  readonly script: Script;
  readonly asks: string;
  readonly state: "succeeded" | "cancelled" | "failed";
  /** Pull requests, branches of ours and reported commits: one of each where something is published. */
  readonly publishes: 0 | 1;
}

const quiet = say("Nothing to do.");

export const command: Kind = {
  name: "command",
  script: quiet,
  asks: "/parhelia run -- sh -c 'echo done > done.txt'",
  state: "succeeded",
  publishes: 1,
};

export const agent: Kind = {
  name: "agent",
  script: fixFile({ path: "sum.js", from: "a - b", to: "a + b", summary: "The sum adds now." }),
  asks: "/parhelia run fix the sum",
  state: "succeeded",
  publishes: 1,
};

/** Its work goes on until the person says `/parhelia cancel`. */
export const cancelled: Kind = {
  name: "cancelled",
  script: quiet,
  asks: "/parhelia run -- sleep 300",
  state: "cancelled",
  publishes: 0,
};

export const failing: Kind = {
  name: "failing",
  script: quiet,
  asks: "/parhelia run -- sh -c 'exit 3'",
  state: "failed",
  publishes: 0,
};

/** One of everything, nothing twice, nothing lost, nothing left. Stops the service. */
export async function expectOneOfEach(stage: Stage, kind: Kind, attempts: number): Promise<void> {
  const { github, issue } = stage;
  const view = await stage.ended(60_000);
  expect(view.task).toMatchObject({ state: kind.state, attempts });
  const ours = github.comments("acme/widgets", issue).filter(({ author }) => author === "parhelia[bot]");
  const reports = ours.filter(({ body }) => body.startsWith(`<!-- parhelia task ${view.task.id} -->`));
  expect(reports, "reports").toHaveLength(1);
  // What answers `/parhelia cancel` is a comment of its own, there once as well.
  expect(ours, "comments").toHaveLength(kind.state === "cancelled" ? 2 : 1);
  expect(github.pulls("acme/widgets"), "pull requests").toHaveLength(kind.publishes);
  expect(await github.branches("acme/widgets"), "branches").toHaveLength(1 + kind.publishes);
  const shas = github.checkRuns("acme/widgets").map(({ sha }) => sha);
  expect(shas, "check runs").toHaveLength(kind.publishes);
  // A crash may hide what a call came to, and then its worst case is charged: never less than the bill.
  expect(view.model).toBeGreaterThanOrEqual(stage.model.bill());
  expect(view.spent).toBeLessThanOrEqual(view.task.ceiling);
  await expectNoEventLost(stage, attempts);
  await stage.expectNothingLeft();
}

/** The log has no gap, and of each attempt every number that its runner gave is there once and in order. */
async function expectNoEventLost(stage: Stage, attempts: number): Promise<void> {
  const events = await stage.events();
  expect(events.map(({ number }) => number)).toEqual(events.map((_, index) => index + 1));
  const said = new Map<string, { n: number; at: number }[]>();
  const types = events.map(({ event }) => event.type);
  for (const { event } of events) {
    const n = event.details?.["n"];
    if (typeof n !== "number" || event.attempt === undefined) continue;
    said.set(event.attempt, [...(said.get(event.attempt) ?? []), { n, at: Number(event.details?.["said_at"]) }]);
  }
  for (const all of said.values()) {
    const numbers = all.map(({ n }) => n);
    expect(numbers, "kept once, in order").toEqual([...new Set(numbers)].toSorted((a, b) => a - b));
    // Heartbeats are numbered and not kept; there is at most one in each of their periods, by the sandbox's own clock.
    const lifeMs = (all.at(-1)?.at ?? 0) - (all[0]?.at ?? 0);
    const missing = (numbers.at(-1) ?? 0) - numbers.length;
    expect(missing, "numbers that are missing").toBeLessThanOrEqual(Math.floor(lifeMs / heartbeatEveryMs));
  }
  expect(types.filter((type) => type === "task_created")).toHaveLength(1);
  expect(types.filter((type) => type === "attempt_ended")).toHaveLength(attempts);
}
