/** A repository with something to fix in it, and results that fix it. */
import type { PublishRequest } from "../../src/core/ports/forge.ts";
import type { ManifestEntry } from "../../src/core/protocol.ts";
import type { Policy } from "../../src/core/policy.ts";
import type { IssuePlace } from "../../src/core/task.ts";
import { widgets, type ForgeWorld } from "./forge-world.ts";
import { put } from "./manifests.ts";

/** The branch that a task of these tests publishes on. */
export const own = "parhelia/t_7k2m9x4q-fix-the-null-check-when-the-list-is";
export const fix: readonly ManifestEntry[] = [put("src/queue.ts", "fixed\n")];
/** Cannot go the way of plain files. */
export const executable: readonly ManifestEntry[] = [put("run.sh", "x\n", "100755")];

export async function onIssue(world: ForgeWorld): Promise<{ at: IssuePlace; head: string }> {
  const head = await world.github.repository(widgets, { "src/queue.ts": "broken\n", "README.md": "hello\n" });
  return { at: world.at(world.github.as("dana").openIssue(widgets, "It breaks")), head };
}

/** The same of a task that was admitted under these settings. */
export function under(policy: Partial<Policy>, request: PublishRequest): PublishRequest {
  const none = { draft: false, branchPrefix: "parhelia/", reviewers: [], labels: [] };
  const all: Policy = { ...none, claudeMd: false, claudeSettings: false, ...policy };
  return { ...request, view: { ...request.view, task: { ...request.view.task, policy: all } } };
}

/** A pull request of a branch that is here. */
export async function onPull(world: ForgeWorld): Promise<{ at: IssuePlace; head: string }> {
  await world.github.repository(widgets, { "src/queue.ts": "broken\n", "README.md": "hello\n" });
  const head = await world.github.as("dana").push(widgets, { "b.txt": "b" }, { branch: "feature" });
  const number = await world.github.as("dana").openPull(widgets, { head: "feature", title: "Feature" });
  return { at: world.at(number, "pull request"), head };
}
