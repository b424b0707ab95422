/**
 * One commit on the state in memory, as the commits before it in the batch have left it: the answer of an earlier try, a
 * refusal with every condition that failed, or the effects. A refusal has changed nothing, so no savepoint is needed.
 */
import type { CommitResult, FailedCondition, Trim } from "../../core/ports/store.ts";
import type { Plan, PlannedLease, PlannedPut } from "../plan.ts";
import { storedJson } from "../stored-json.ts";
import { opKeptMs, unlessPast, type LeaseRow, type OpRow, type WorkingSet } from "./working-set.ts";

export interface Decision {
  readonly result: CommitResult;
  /** Whether this try changed something: neither a refusal nor a repetition. */
  readonly applied: boolean;
}

export function decide(plan: Plan, working: WorkingSet): Decision {
  const op = working.ops.at(plan.op);
  // Past its time it counts as unknown, whether its row is purged by now or not.
  if (op.present !== undefined && op.present.atMs > plan.nowMs - opKeptMs) {
    return { result: answerOf(op.present, plan.op), applied: false };
  }
  const failed = judge(plan, working);
  if (failed.length > 0) return { result: { ok: false, failed }, applied: false };
  const applied = apply(plan, working);
  op.present = { atMs: plan.nowMs, result: JSON.stringify([applied.fences, applied.numbers]) };
  return { result: resultOf(applied), applied: true };
}

const resultOf = ({ fences, numbers }: Applied): CommitResult => ({ ok: true, fences, numbers });

function answerOf(op: OpRow, name: string): CommitResult {
  const what = `the result of operation ${name}`;
  const stored = storedJson(op.result, what);
  const [fences, numbers] = Array.isArray(stored) ? stored : [];
  return resultOf({ fences: numbersIn(fences, what), numbers: numbersIn(numbers, what) });
}

function numbersIn(list: unknown, what: string): readonly number[] {
  if (Array.isArray(list) && list.every((each) => typeof each === "number")) return list;
  throw new Error(`the database holds damaged JSON in ${what}`);
}

/**
 * Every condition that failed, each thing named once. Changes nothing.
 * Throws where a counter would leave the integers that are counted exactly.
 */
function judge(plan: Plan, working: WorkingSet): readonly FailedCondition[] {
  const failed = [...failedVersions(plan, working), ...failedLeases(plan, working), ...failedCounters(plan, working)];
  return failed.length < 2 ? failed : onceEach(failed);
}

function* failedVersions(plan: Plan, working: WorkingSet): Iterable<FailedCondition> {
  for (const [key, version] of plan.versions) {
    const is = unlessPast(working.documents.at(key).present, plan.nowMs)?.version ?? 0;
    if (is !== version) yield { kind: "version", name: key, is };
  }
}

function* failedLeases(plan: Plan, working: WorkingSet): Iterable<FailedCondition> {
  for (const act of plan.leases) {
    const lease = unlessPast(working.leases.at(act.name).present, plan.nowMs);
    if (!allows(lease, act)) yield { kind: "lease", name: act.name, is: lease?.holder ?? "" };
  }
}

/** An expired lease is nobody's, also where nobody has taken it since: its row may have been purged or not. */
function allows(lease: LeaseRow | undefined, act: PlannedLease): boolean {
  if (act.act === "take") return lease === undefined;
  return lease?.holder === act.holder && lease.fence === act.fence;
}

function* failedCounters(plan: Plan, working: WorkingSet): Iterable<FailedCondition> {
  const sums = new Map<string, number>();
  for (const { counter, by, min = -Infinity, max = Infinity } of plan.add) {
    const is = working.counters.at(counter).present;
    const sum = (sums.get(counter) ?? is) + by;
    if (!Number.isSafeInteger(sum)) throw new Error(`counter ${counter} would leave the safe integers`);
    sums.set(counter, sum);
    if (sum < min || sum > max) yield { kind: "counter", name: counter, is };
  }
}

function onceEach(failed: readonly FailedCondition[]): readonly FailedCondition[] {
  const byName = new Map(failed.map((condition) => [`${condition.kind} ${condition.name}`, condition]));
  return [...byName.values()];
}

interface Applied {
  readonly fences: readonly number[];
  readonly numbers: readonly number[];
}

function apply(plan: Plan, working: WorkingSet): Applied {
  const fences = plan.leases.map((act) => applyLease(act, working));
  for (const { counter, by } of plan.add) working.counters.at(counter).present += by;
  // After the additions: `put.if` is judged on what they leave.
  for (const put of plan.puts) if (wanted(put, plan.nowMs, working)) applyPut(put, plan.nowMs, working);
  const numbers = plan.appends.map(({ log, values }) => {
    const tail = working.tails.at(log);
    for (const value of values) working.logChanges.push({ do: "append", log, number: ++tail.present, value });
    return tail.present;
  });
  for (const trim of plan.trims) applyTrim(trim, working);
  return { fences, numbers };
}

function applyTrim({ log, below }: Trim, working: WorkingSet): void {
  const tail = working.tails.at(log);
  const isAll = below === "everything";
  working.logChanges.push({ do: "trim", log, below: isAll ? tail.present + 1 : Math.min(below, tail.present) });
  if (isAll) tail.present = 0;
}

function applyLease(act: PlannedLease, working: WorkingSet): number {
  const lease = working.leases.at(act.name);
  if (act.act === "take") {
    const last = working.fence.at("");
    last.present += 1;
    lease.present = { holder: act.holder, fence: last.present, untilMs: act.untilMs ?? 0 };
    return last.present;
  }
  const fence = act.fence ?? 0;
  if (act.act === "renew") lease.present = { holder: act.holder, fence, untilMs: act.untilMs ?? 0 };
  if (act.act === "release") lease.present = undefined;
  return fence;
}

function wanted(put: PlannedPut, nowMs: number, working: WorkingSet): boolean {
  const version = unlessPast(working.documents.at(put.key).present, nowMs)?.version ?? 0;
  if (put.ensure && version > 0) return false;
  if (put.if === undefined) return true;
  if ("version" in put.if) return put.if.version === version;
  const { counter, min = -Infinity, max = Infinity } = put.if;
  const value = working.counters.at(counter).present;
  return value >= min && value <= max;
}

function applyPut({ key, value, entries, untilMs }: PlannedPut, nowMs: number, working: WorkingSet): void {
  const document = working.documents.at(key);
  const version = (unlessPast(document.present, nowMs)?.version ?? 0) + 1;
  document.present = value === undefined ? undefined : { version, value, entries, untilMs };
}
