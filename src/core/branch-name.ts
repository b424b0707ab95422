/** What the branch of a task is called: `parhelia/t_7k2m41qz-fix-the-null-check`. */
import { plainPrefix } from "./policy.ts";
import { asked, type Task } from "./task.ts";

/** `n` from 2 where the branch before holds something else. */
export function branchName(task: Task, n: number): string {
  const words =
    asked(task.spec.work)
      .toLowerCase()
      .match(/[a-z0-9]+/g) ?? [];
  const slug = words.reduce((line, word) => (line.length + word.length < 40 ? `${line}-${word}` : line), "");
  return `${task.policy?.branchPrefix ?? plainPrefix}${task.id}${slug}${n > 1 ? `-${n}` : ""}`;
}
