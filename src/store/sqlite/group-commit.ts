/**
 * Group commit. A sync of the disk costs the same for one commit as for many, so those of one turn of the event loop
 * share a transaction: judged one after the other in memory, written once, answered after the one sync.
 *
 * The turn ends at `setImmediate`, which runs after all callbacks of input and output that were ready: sixteen requests
 * that came together are one batch. A microtask would run after the first of them.
 */
import type { CommitResult } from "../../core/ports/store.ts";
import { decide, type Decision } from "./decide.ts";
import { isSqlite, sqliteCode } from "./node-sqlite.ts";
import type { Plan } from "../plan.ts";
import { togetherOf } from "../together.ts";
import type { Statements } from "./statements.ts";
import { openWorkingSet, write } from "./working-set.ts";

/** A batch holds the event loop until it is on disk: bounded in commits and in what they carry. */
const batchAtMost = { count: 64, characters: 8 * 1024 * 1024 };

export interface Batches {
  /** Resolves after the batch is on disk; rejects on a fault, and then nothing of this commit was written. */
  add(plan: Plan): Promise<CommitResult>;
  /** Does everything that was added, now. */
  finish(): void;
}

interface Waiting {
  readonly plan: Plan;
  readonly resolve: (result: CommitResult) => void;
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
    let decisions: readonly Decision[];
    try {
      decisions = decideAll(
        batch.map(({ plan }) => plan),
        statements,
      );
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
    for (const [index, { plan, resolve }] of batch.entries()) {
      const decision = decisions[index];
      if (decision === undefined) continue;
      resolve(decision.result);
      if (decision.applied) for (const topic of plan.wake) topics.add(topic);
    }
    tell(topics);
  }

  return {
    add: (plan) =>
      new Promise((resolve, reject) => {
        queue.push({ plan, resolve, reject });
        scheduled ??= setImmediate(next);
      }),
    finish() {
      clearImmediate(scheduled);
      while (queue.length > 0) run(nextBatch());
    },
  };
}

/** On disk when it returns. */
function decideAll(plans: readonly Plan[], statements: Statements): readonly Decision[] {
  return statements.transact("BEGIN IMMEDIATE", () => {
    const state = openWorkingSet(statements);
    const decisions = plans.map((plan) => decide(plan, state));
    if (decisions.some(({ applied }) => applied)) {
      write(state, statements, Math.min(...plans.map(({ nowMs }) => nowMs)));
    }
    return decisions;
  });
}

function faultOf({ op }: Plan, cause: unknown): Error {
  const message = cause instanceof Error ? cause.message : String(cause);
  const why = isSqlite(cause, sqliteCode.busy) ? "another process kept the database locked" : message;
  return new Error(`operation ${op} was not done and has written nothing: ${why}`, { cause });
}
