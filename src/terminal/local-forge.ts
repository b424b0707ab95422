/**
 * A git repository on this machine as the forge of tasks from a terminal. Whoever can start the program may do everything
 * here; a result becomes a branch, and nothing that is checked out is ever touched.
 */
import { branchName } from "../core/branch-name.ts";
import { readChanges, type Changes } from "../core/changes.ts";
import { title } from "../core/headline.ts";
import { Sha } from "../core/ids.ts";
import type { Forge, PublishRequest } from "../core/ports/forge.ts";
import { Refusal } from "../core/refusal.ts";
import { defaultSettings } from "../core/settings/settings.ts";
import type { Base, Place, Published, Task } from "../core/task.ts";
import { git, GitError, gitText } from "./git.ts";
import { commitTree } from "./commit-tree.ts";

export function openLocalForge(): Forge {
  return {
    authority: async () => "admin",
    pin: (task) => pin(task),
    // The terminal watches the task itself.
    report: async (_view, place) => ({ done: true, place }),
    publish: (request) => publish(request).catch(refuse),
    settings: async () => defaultSettings(),
    checkSettings: async () => undefined,
    labelOn: async () => undefined,
    removeLabel: async () => undefined,
    reply: async () => undefined,
    repositoryToken: async () => {
      throw new Error("A repository on this machine is read through the gateway and has no token.");
    },
  };
}

function directoryOf(place: Place): string {
  if (place.kind !== "terminal") throw new Error("This place is on GitHub, not on this machine.");
  return place.directory;
}

async function pin(task: Task): Promise<Base> {
  const directory = directoryOf(task.origin.place);
  const ref = task.spec.ref ?? "HEAD";
  try {
    const sha = await gitText({ directory, args: ["rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`] });
    const name = await gitText({ directory, args: ["rev-parse", "--abbrev-ref", "--end-of-options", ref] });
    const shown = name === "" || name === "HEAD" ? ref : name;
    return {
      sha: Sha.parse(sha),
      ref: shown,
      fetchRef: sha,
      url: null,
      into: shown,
      trusted: true,
      head: null,
      quoted: [],
    };
  } catch (error) {
    if (!(error instanceof GitError)) throw error;
    throw new Refusal(`There is no commit \`${ref}\` in ${directory}. A repository needs one commit to start from.`);
  }
}

/** The same attempt published twice makes the same commit, so a branch that holds it is found, not made again. */
async function publish({ view, base, changes }: PublishRequest): Promise<Published> {
  const { task } = view;
  const directory = directoryOf(task.origin.place);
  const read = await readChanges(changes());
  const sha = await commitTree(directory, {
    base: base.sha,
    changes: read,
    message: `${title(task)}\n\nParhelia-Task: ${task.id}\nParhelia-Attempt: ${task.id}-${task.attempts}\n`,
    at: task.createdAt,
  });
  const branch = await placeBranch(directory, task, sha);
  const size = await sizeOf(directory, base.sha, sha);
  return { branch, sha: Sha.parse(sha), url: "", pullRequest: null, ...size, notes: notesOn(read) };
}

/** Whoever ran it is there and can mend it, so git's words are shown at once; the result is kept. */
function refuse(error: unknown): never {
  if (!(error instanceof GitError)) throw error;
  throw new Refusal(`The branch could not be made: ${error.message}`, { cause: error });
}

async function placeBranch(directory: string, task: Task, sha: string): Promise<string> {
  for (let n = 1; ; n += 1) {
    const branch = branchName(task, n);
    const ref = `refs/heads/${branch}`;
    const there = await gitText({ directory, args: ["for-each-ref", "--format=%(objectname)", ref] });
    if (there === sha) return branch;
    if (there !== "") continue;
    // The empty old value: only if it still does not exist.
    await git({ directory, args: ["update-ref", ref, sha, ""] });
    return branch;
  }
}

async function sizeOf(
  directory: string,
  from: string,
  to: string,
): Promise<Pick<Published, "files" | "added" | "removed">> {
  const listing = await gitText({ directory, args: ["diff-tree", "-r", "--numstat", "--no-renames", from, to] });
  const rows = listing === "" ? [] : listing.split("\n").map((line) => line.split("\t"));
  const sum = (column: number): number => rows.reduce((total, row) => total + (Number(row[column]) || 0), 0);
  return { files: rows.length, added: sum(0), removed: sum(1) };
}

const notesOn = ({ puts }: Changes): string[] =>
  puts.some(({ mode }) => mode === "160000") ? ["A submodule points to another commit than before."] : [];
