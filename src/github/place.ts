/** The GitHub side of a place: names for the API, the hidden lines by which we find our own texts again. */
import { createHash } from "node:crypto";
import type { TaskId } from "../core/ids.ts";
import type { IssuePlace, Place, Task } from "../core/task.ts";

/** This forge serves tasks from issues and pull requests alone; any other is a mistake in the wiring. */
export function onGitHub(place: Place): IssuePlace {
  if (place.kind !== "issue") throw new Error(`a task from a ${place.kind} has no place on GitHub`);
  return place;
}

export interface RepositoryPlace {
  readonly repository: { readonly owner: string; readonly name: string };
}

export const placeOf = (task: Task): IssuePlace => onGitHub(task.origin.place);

export const repoOf = ({ repository }: RepositoryPlace): { owner: string; repo: string } => ({
  owner: repository.owner,
  repo: repository.name,
});

/** First line of a task's comment, so that no cut can lose it. */
export const taskMarker = (task: TaskId): string => `<!-- parhelia task ${task} -->`;

/** First line of a reply. Anything that could end the HTML comment is replaced by its hash. */
export function replyMarker(marker: string): string {
  const isPlain = /^[\w.:]+(?:-[\w.:]+)*$/.test(marker);
  const word = isPlain ? marker : createHash("sha256").update(marker).digest("hex").slice(0, 32);
  return `<!-- parhelia reply ${word} -->`;
}
