/**
 * The runner, and the process that holds the whole sandbox, are killed at instants spread over the work. The attempt is
 * lost, a second one does the work from its base, and people see one of everything.
 */
import { afterAll, describe, expect, test } from "vitest";
import { needs } from "../world/needs.ts";
import { expectOneOfEach } from "./crash-kinds.ts";
import { slowCommand, killInside, openSandboxStage, type Victim } from "./crash-victims.ts";
import { numbersFrom, seed } from "./crash-seed.ts";

const startedAt = performance.now();
const ready = needs("git") && needs("bwrap");
const victims: readonly Victim[] = ["runner", "sandbox"];

/** Milliseconds after the runner's first word; its work takes about two seconds. */
const instants = numbersFrom(seed, 8).map((number) => number % 1500);
const runs = victims.flatMap((victim) => instants.map((afterMs): [Victim, number] => [victim, afterMs]));
let attempts = 0;

describe.concurrent("what works on it is killed, and it is done all the same", { timeout: 180_000 }, () => {
  test.skipIf(!ready).for(runs)("the %s, %i ms after its first word", async ([victim, afterMs], { onTestFinished }) => {
    const stage = await openSandboxStage(onTestFinished);
    await killInside(stage, victim, afterMs);
    await expectOneOfEach(stage, slowCommand, 2);
    const outcomes = (await stage.events()).flatMap(({ event }) =>
      event.type === "attempt_ended" ? [event.details?.["outcome"]] : [],
    );
    expect(outcomes).toEqual(["lost", "succeeded"]);
    attempts += 2;
  });
});

afterAll(() => {
  const wallS = Math.round((performance.now() - startedAt) / 1000);
  console.log(`crash of what is in the sandbox: kills ${runs.length}, attempts ${attempts}, seed ${seed}; ${wallS} s`);
});
