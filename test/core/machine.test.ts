/** Waiting for a machine: the shares of several GPUs, what is decided while none is free, and what older documents lack. */
import { expect, test } from "vitest";
import type { Attempt } from "../../src/core/attempt.ts";
import { attemptId, sandboxName, TaskId } from "../../src/core/ids.ts";
import { after, Instant, minuteMs, secondMs } from "../../src/core/instant.ts";
import { askedOf, firstMachine, machineChoices, nextMachine, noMachineWords } from "../../src/core/machine.ts";
import { noMoney, usd } from "../../src/core/money.ts";
import { machineFound, starting, waitingForMachine } from "../../src/core/moves.ts";
import { nextStep, patience } from "../../src/core/next-step.ts";
import { Gpu } from "../../src/core/quantities.ts";
import { attemptIn, Task, type InState } from "../../src/core/task.ts";

const at = Instant.parse(Date.parse("2026-11-25T14:00:00Z"));
const id = TaskId.parse("t_7k2m9x4q");
const resources = { cpu: 2, memoryMiB: 4096, gpu: "H100,A100,T4" };
const queued: InState<"queued"> = {
  id,
  origin: { place: { kind: "terminal", directory: "/srv" }, actor: { id: 0, login: "dana" } },
  spec: {
    work: { kind: "command", argv: ["train"] },
    timeoutMs: 60 * minuteMs,
    budget: usd(50),
    resources,
    ref: null,
    publish: true,
  },
  createdAt: at,
  attempts: 0,
  attemptsBefore: 0,
  ceiling: usd(50),
  state: "queued",
  since: at,
  tries: 0,
};
const attempt: Attempt = {
  id: attemptId(id, 1),
  task: id,
  sandbox: sandboxName(attemptId(id, 1)),
  claimedAt: at,
  waitedAt: at,
  microUsdPerHour: noMoney,
};
const first = firstMachine(resources, { now: at, maxWaitMs: 30 * minuteMs });
const waiting = waitingForMachine(starting(queued, attempt.id, at), { attempt: attempt.id, machine: first }, at);

test("several GPUs share the time, in their order, and the last has what is left", () => {
  expect(machineChoices(resources).map(({ gpu }) => gpu)).toEqual(["H100", "A100", "T4"]);
  expect(machineChoices({ cpu: 1, memoryMiB: 1 })).toEqual([{ cpu: 1, memoryMiB: 1 }]);
  const giveUpAt = after(at, 30 * minuteMs);
  expect(first).toEqual({ gpu: "H100", until: after(at, 10 * minuteMs), next: ["A100", "T4"], giveUpAt });
  const second = nextMachine(first, after(at, 12 * minuteMs));
  expect(second).toEqual({ gpu: "A100", until: after(at, 21 * minuteMs), next: ["T4"], giveUpAt });
  const third = second && nextMachine(second, after(at, 21 * minuteMs));
  expect(third).toEqual({ gpu: "T4", until: giveUpAt, next: [], giveUpAt });
  expect(third && nextMachine(third, giveUpAt)).toBeUndefined();
  expect(askedOf(resources, undefined)).toMatchObject({ gpu: "H100" });
  expect(askedOf(resources, second)).toMatchObject({ cpu: 2, gpu: "A100" });
  const briefly = firstMachine(resources, { now: at, maxWaitMs: 30 * minuteMs, eachMs: 2 * minuteMs });
  expect(briefly).toMatchObject({ until: after(at, 2 * minuteMs), giveUpAt: after(at, 6 * minuteMs) });
  const long = firstMachine(resources, { now: at, maxWaitMs: 30 * minuteMs, eachMs: 60 * minuteMs });
  expect(long).toEqual(first);
  expect(firstMachine({ cpu: 1, memoryMiB: 1 }, { now: at, maxWaitMs: 10, eachMs: 1 })).toEqual({
    until: after(at, 10),
    next: [],
    giveUpAt: after(at, 10),
  });
});

test("while there is none, the backend is asked now and then, and each step has its turn", () => {
  const facts = { attempt };
  const { until } = first;
  expect(nextStep(waiting, facts, at)).toMatchObject({ do: "wait", until: after(at, patience.machineMs) });
  expect(nextStep(waiting, facts, after(at, patience.machineMs)).do).toBe("create");
  expect(
    nextStep(waiting, { attempt: { ...attempt, waitedAt: after(until, -secondMs) } }, after(until, -1)),
  ).toMatchObject({
    do: "wait",
    until,
  });
  expect(nextStep(waiting, facts, until).do).toBe("next machine");
  const last = { ...waiting, machine: { ...first, gpu: "T4", next: [], until: first.giveUpAt } };
  expect(nextStep(last, facts, first.giveUpAt)).toMatchObject({
    do: "end",
    outcome: "failed",
    because: noMachineWords(resources.gpu, 30 * minuteMs),
  });
  const heard = { firstAt: at, lastAt: at, phase: "", doing: [], plan: [] };
  expect(nextStep(waiting, { attempt, heard }, at).do).toBe("note");
  const cancelled = { ...waiting, cancel: { at, by: queued.origin.actor } };
  expect(nextStep(cancelled, facts, at)).toMatchObject({ do: "end", outcome: "cancelled" });
  expect(nextStep(cancelled, facts, first.giveUpAt)).toMatchObject({ do: "end", outcome: "cancelled" });
});

test("the attempt that waits is the one that starts, also where another release has left it out", () => {
  expect(Task.parse(waiting)).toEqual(waiting);
  const { attempt: _, machine: __, ...stripped } = waiting;
  expect(attemptIn(Task.parse(stripped))).toBe(attempt.id);
  expect(nextStep({ ...stripped, for: "capacity" }, { attempt }, after(at, 1)).do).toBe("end");
  expect(attemptIn({ ...stripped, for: "slot" })).toBeUndefined();
  expect(machineFound(waiting, attempt.id, at)).toMatchObject({ state: "starting", attempts: 1, attempt: attempt.id });
  expect(Object.keys(machineFound(waiting, attempt.id, at))).not.toContain("machine");
});

test("a choice of GPUs is read like one, and told what is wrong with which", () => {
  expect(Gpu.parse("h100, a10g:2")).toBe("H100,A10:2");
  expect(Gpu.parse("H100,h100")).toBe("H100");
  const complaint = (text: string): string | undefined => Gpu.safeParse(text).error?.issues[0]?.message;
  expect(complaint("H100,V100")).toContain("There is no GPU `V100`");
  expect(complaint("H100,A10:9")).toContain("`A10:9`: a sandbox has 1 to 4 GPUs");
  expect(complaint("H100,")).toContain("There is no GPU");
});
