/**
 * Group commit. A sync of the disk costs the same for one commit as for many, so those of one turn of the event loop
 * share a transaction: judged one after the other in memory, written once, answered after the one sync.
 *
 * The turn ends at `setImmediate`, which runs after all callbacks of input and output that were ready: sixteen requests
 * that came together are one batch. A microtask would run after the first of them.
 */
import type { Committed, CommitResult, Query } from "../../core/ports/store.ts";
import { decide, type Decision } from "./decide.ts";
import { answers } from "./look.ts";
import { isSqlite, sqliteCode } from "./node-sqlite.ts";
import type { Plan } from "../plan.ts";
import { togetherOf } from "../together.ts";
import type { Statements } from "./statements.ts";
import { openWorkingSet, write } from "./working-set.ts";

/** A batch holds the event loop until it is on disk: bounded in commits and in what they carry. */
const batchAtMost = { count: 64, characters: 8 * 1024 * 1024 };

export interface Batches {
  /** Resolves after the batch is on disk; rejects on a fault, and then nothing of this commit was written. */
  add<const Q extends readonly Query[]>(plan: Plan, asked: Q): Promise<Committed<Q>>;
  /** Does everything that was added, now. */
  finish(): void;
}

interface Waiting {
  readonly plan: Plan;
  /** Answers what the commit asks, in the transaction that it is in; gives what resolves it. */
  readonly ask: () => (result: CommitResult) => void;
  readonly reject: (fault: Error) => void;
}

/** `tell` gets the topics of what was done, after it was done and answered. */
export function groupCommits(statements: Statements, tell: (topics: ReadonlySet<string>) => void): Batches {
  const queue: Waiting[] = [];
  let scheduled: NodeJS.Immediate | undefined;

  const nextBatch = (): Waiting[] =>
    queue.splice(
      0,
      togetherOf(queue, batchAtMost, ({ plan }) => plan.characters),
    );

  function next(): void {
    scheduled = undefined;
    run(nextBatch());
    // In the next turn, so that answers go out and requests come in between two batches.
    if (queue.length > 0) scheduled = setImmediate(next);
  }

  function run(batch: readonly Waiting[]): void {
    let decided: readonly Decided[];
    try {
      decided = decideAll(batch, statements);
    } catch (error) {
      const busy = isSqlite(error, sqliteCode.busy);
      if (batch.length === 1 || busy) {
        for (const { plan, reject } of batch) reject(faultOf(plan, error));
      } else {
        // One of them may be at fault; alone, it cannot sink its neighbours.
        for (const waiting of batch) run([waiting]);
      }
      return;
    }
    const topics = new Set<string>();
    for (const { plan, decision, resolve } of decided) {
      resolve(decision.result);
      if (decision.applied) for (const topic of plan.wake) topics.add(topic);
    }
    tell(topics);
  }

  return {
    add: (plan, asked) =>
      new Promise((resolve, reject) => {
        const ask: Waiting["ask"] = () => {
          const found = answers(statements, plan.nowMs, asked);
          return (result) => resolve({ ...result, answers: found });
        };
        queue.push({ plan, ask, reject });
        scheduled ??= setImmediate(next);
      }),
    finish() {
      clearImmediate(scheduled);
      while (queue.length > 0) run(nextBatch());
    },
  };
}

interface Decided {
  readonly plan: Plan;
  readonly decision: Decision;
  readonly resolve: (result: CommitResult) => void;
}

/** On disk when it returns. */
function decideAll(batch: readonly Waiting[], statements: Statements): readonly Decided[] {
  return statements.transact("BEGIN IMMEDIATE", () => {
    const state = openWorkingSet(statements);
    const decisions = batch.map((waiting) => ({ ...waiting, decision: decide(waiting.plan, state) }));
    if (decisions.some(({ decision }) => decision.applied)) {
      write(state, statements, Math.min(...batch.map(({ plan }) => plan.nowMs)));
    }
    return decisions.map(({ plan, decision, ask }) => ({ plan, decision, resolve: ask() }));
  });
}

function faultOf({ op }: Plan, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const why = isSqlite(cause, sqliteCode.busy) ? "another process kept the database locked" : message;
  return new Error(`operation ${op} was not done and has written nothing: ${why}`, { cause });
}
