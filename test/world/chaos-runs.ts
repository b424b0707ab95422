/**
 * Workflows that fail and pass while the tasks are worked through. A run ends when the one before it is to be seen, or when
 * nobody will ever tell of that one; the last ends in calm. So their issues are the same in the end.
 */
import { z } from "zod";
import type { Delivery } from "./github/deliveries.ts";
import type { IssueView } from "./github/read.ts";
import type { World } from "./world.ts";

interface Plan {
  readonly repository: string;
  readonly conclusions: readonly ("failure" | "success")[];
  /** Whether GitHub may fail to tell of a run for good. A failure that nobody told of, and a success after it, leave no issue. */
  readonly maybeMissed: boolean;
}

const plans: readonly Plan[] = [
  { repository: "acme/widgets", conclusions: ["failure", "failure", "success", "failure"], maybeMissed: true },
  { repository: "bolt/gears", conclusions: ["failure", "success"], maybeMissed: false },
  { repository: "cork/floats", conclusions: ["failure", "failure", "failure"], maybeMissed: true },
];

const file = "image-rebuild.yml";
const sha = "c".repeat(40);

export const isOfRun = ({ author, body }: IssueView): boolean =>
  author === "parhelia[bot]" && body.includes(`<!-- parhelia failures ${file} -->`);

export interface Runs {
  /** Ends the runs whose time has come. */
  play(isStorm: boolean): void;
  isThrough(): boolean;
  /** Where it may be, it is taken for never told: drop it. */
  mayMiss(delivery: Delivery): boolean;
}

const Told = z.object({ workflow_run: z.object({ id: z.int() }), repository: z.object({ full_name: z.string() }) });

export function openRuns(w: World): Runs {
  const missed = new Set<number>();
  const rows = plans.map((plan) => ({ plan, ended: 0, last: 0 }));
  const isSeen = ({ plan, ended, last }: (typeof rows)[number]): boolean => {
    if (ended === 0 || missed.has(last)) return true;
    const issue = w.github.issues(plan.repository).find(isOfRun);
    // There is none where nobody was ever told of what had failed before.
    if (plan.conclusions[ended - 1] === "success") return issue === undefined || issue.state === "closed";
    return issue?.state === "open" && issue.body.includes(`Newest run: [run ${ended}]`);
  };
  return {
    play(isStorm) {
      for (const row of rows) {
        const { conclusions, repository } = row.plan;
        const conclusion = conclusions[row.ended];
        const isLast = row.ended === conclusions.length - 1;
        if (conclusion === undefined || (isStorm && isLast) || !isSeen(row)) continue;
        const steps = [{ name: "Publish image", conclusion }];
        const jobs = [{ name: "build", conclusion, steps, log: "##[error]no such image\n" }];
        const run = { file, name: "Weekly image rebuild", event: "schedule", sha, conclusion, jobs };
        row.last = w.github.workflowRun(repository, run);
        row.ended += 1;
      }
    },
    isThrough: () => rows.every((row) => row.ended === row.plan.conclusions.length && isSeen(row)),
    mayMiss(delivery) {
      if (delivery.event !== "workflow_run") return false;
      const told = Told.parse(JSON.parse(delivery.payload));
      const row = rows.find(({ plan }) => plan.repository === told.repository.full_name);
      if (row?.plan.maybeMissed !== true) return false;
      missed.add(told.workflow_run.id);
      return true;
    },
  };
}
