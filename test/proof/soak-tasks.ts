/** What is asked of the replicas in the soak: commands on this machine, each on an issue of its own, some said to stop. */
import type { GitHubStandIn } from "../world/github/open-github.ts";
import type { CommentView } from "../world/github/read.ts";

export interface SoakKind {
  readonly name: "changes" | "nothing" | "fails" | "cancelled";
  readonly asks: (index: number) => string;
  readonly state: "succeeded" | "failed" | "cancelled";
  readonly publishes: 0 | 1;
}

const changes: SoakKind = {
  name: "changes",
  asks: (index) => `run -- sh -c 'sleep 0.${index % 10}; echo ${index} > "done-${index}.txt"'`,
  state: "succeeded",
  publishes: 1,
};
const nothing: SoakKind = { name: "nothing", asks: () => "run -- sleep 0.5", state: "succeeded", publishes: 0 };
const fails: SoakKind = {
  name: "fails",
  asks: () => "run -- sh -c 'sleep 0.3; exit 3'",
  state: "failed",
  publishes: 0,
};
/** Longer than the soak. */
const cancelled: SoakKind = { name: "cancelled", asks: () => "run -- sleep 3000", state: "cancelled", publishes: 0 };

/** What is asked one after the other, again and again; so many that each repository gets all of them in turn. */
// oxfmt-ignore
const kinds = [
  changes, fails, changes, changes, nothing, changes, changes,
  fails, changes, cancelled, changes, changes, nothing, fails,
];

export interface SoakTask {
  readonly kind: SoakKind;
  readonly repository: string;
  readonly issue: number;
  /** Somebody has said `cancel`. */
  isCancelled: boolean;
}

export interface Asking {
  readonly tasks: readonly SoakTask[];
  /** Says what there is to say now. The number of tasks whose comment says that they have ended. */
  look(): number;
}

/** Asks for `count` tasks, never more than `atOnce` that have not ended. */
export function openAsking(
  github: GitHubStandIn,
  { count, atOnce, repositories }: { count: number; atOnce: number; repositories: readonly string[] },
): Asking {
  const dana = github.as("dana");
  const tasks: SoakTask[] = [];
  const open = new Set<SoakTask>();
  const ask = (index: number): void => {
    const repository = repositories[index % repositories.length] ?? "acme/widgets";
    const kind = kinds[index % kinds.length] ?? changes;
    const issue = dana.openIssue(repository, `Number ${index}`, "It wants to be done.");
    dana.comment(repository, issue, `/parhelia ${kind.asks(index)}`);
    const task = { kind, repository, issue, isCancelled: false };
    tasks.push(task);
    open.add(task);
  };
  return {
    tasks,
    look() {
      for (const task of open) {
        const [report] = reportsOf(github, task);
        if (report === undefined) continue;
        if (!/parhelia cancel|Stopping/.test(report.body)) open.delete(task);
        else if (task.kind.name === "cancelled" && !task.isCancelled && report.body.includes("Working")) {
          dana.comment(task.repository, task.issue, "/parhelia cancel");
          task.isCancelled = true;
        }
      }
      while (tasks.length < count && open.size < atOnce) ask(tasks.length);
      return tasks.length - open.size;
    },
  };
}

const marker = /^<!-- parhelia task (t_[0-9a-z]{8}) -->/;

/** Of all tasks of an issue, which has one. */
export const reportsOf = (github: GitHubStandIn, { repository, issue }: SoakTask): CommentView[] =>
  github.comments(repository, issue).filter(({ author, body }) => author === "parhelia[bot]" && marker.test(body));
