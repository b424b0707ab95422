/**
 * What GitHub's events mean to us, behind Probot's typed handlers. No call to GitHub is made here: the words are read, what
 * they start is written down, and the engine does the rest.
 */
import type { Probot } from "probot";
import { z } from "zod";
import type { Markdown } from "../core/markdown.ts";
import { DeliveryId, InstallationId } from "../core/ids.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import type { InState, IssuePlace, Origin } from "../core/task.ts";
import type { RunDefaults } from "../commands/command.ts";
import { parseComment } from "../commands/parse.ts";
import { specFrom, toTask, type RunInput } from "../commands/run.ts";
import { latestTask } from "../records/latest-task.ts";
import { takeIn } from "../records/intake.ts";
import type { Request, Saying } from "../records/requests.ts";

export interface IntakeOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
  readonly defaults: RunDefaults;
  /** Ids of the installations that this service works for. */
  readonly installations: ReadonlySet<number>;
}

/** Words that somebody wrote on an issue or a pull request. */
interface Heard {
  readonly delivery: string;
  readonly installation: number | undefined;
  readonly repository: { readonly id: number; readonly name: string; readonly owner: { readonly login: string } };
  readonly issue: { readonly number: number; readonly pull_request?: unknown };
  /** Who did it: an edit is the editor's, not the author's. */
  readonly sender: { readonly id: number; readonly login: string; readonly type: string };
  readonly comment?: { readonly id: number; readonly html_url: string };
  /** The words, whichever hook brought them: `comment/900`, `issue/77`. */
  readonly what: string;
}

export function registerIntake(probot: Probot, options: IntakeOptions): void {
  probot.on("issue_comment.created", async ({ id, payload }) => {
    const { comment, issue, repository, sender, installation } = payload;
    const heard = { delivery: id, installation: installation?.id, repository, issue, sender, comment };
    await hear({ ...heard, what: `comment/${comment.id}` }, comment.body, options);
  });
  probot.on("issue_comment.edited", async ({ id, payload }) => {
    const { comment, issue, repository, sender, installation, changes } = payload;
    const heard = { delivery: id, installation: installation?.id, repository, issue, sender, comment };
    const before = changes.body?.from ?? comment.body;
    await hearEdit({ ...heard, what: `edit/${comment.id}` }, { before, after: comment.body }, options);
  });
  probot.on("issues.opened", async ({ id, payload }) => {
    const { issue, repository, sender, installation } = payload;
    const heard = { delivery: id, installation: installation?.id, repository, issue, sender };
    await hear({ ...heard, what: `issue/${issue.id}` }, issue.body ?? "", options);
  });
}

async function hear(heard: Heard, text: string, options: IntakeOptions): Promise<void> {
  const said = parseComment(text);
  if (said.length === 0 || !isServed(heard, options)) return;
  const origin = originOf(heard);
  const tasks: InState<"queued">[] = [];
  const says: Saying[] = [];
  for (const each of said) {
    if (each.kind === "wrong") says.push({ words: each.message });
    else if (each.name === "run") tasks.push(taskFrom(each.input, origin, options));
    else says.push({ command: each.name, input: asJson(each.input) });
  }
  await keep(heard, { origin, tasks, says }, options);
}

const editsRunNothing: Markdown =
  "Edits don't run commands: what I was asked at first still holds. Write a new comment to ask for something else.";

/** Only a changed command is worth a word; a sentence below it may change as often as it likes. */
async function hearEdit(heard: Heard, text: { before: string; after: string }, options: IntakeOptions): Promise<void> {
  const after = commandLines(text.after);
  if (after.length === 0 || !isServed(heard, options)) return;
  if (JSON.stringify(after) === JSON.stringify(commandLines(text.before))) return;
  await keep(heard, { origin: originOf(heard), tasks: [], says: [{ words: editsRunNothing }] }, options);
}

function commandLines(text: string): string[] {
  const lines = text.split(/\r\n?|\n/);
  return parseComment(text).map((said) => (lines[said.line - 1] ?? "").trim());
}

/** What bots say is never a command, ours above all: our help shows commands on lines of their own. */
function isServed(heard: Heard, { installations, log }: IntakeOptions): boolean {
  if (heard.sender.type === "Bot") return false;
  if (heard.installation !== undefined && installations.has(heard.installation)) return true;
  log.warn({ delivery: heard.delivery, installation: heard.installation }, "this installation is not on the list");
  return false;
}

function originOf(heard: Heard): Origin & { place: IssuePlace } {
  const { repository, issue, sender, comment } = heard;
  return {
    place: {
      kind: "issue",
      installation: InstallationId.parse(heard.installation),
      repository: { id: repository.id, owner: repository.owner.login, name: repository.name },
      number: issue.number,
      pullRequest: issue.pull_request !== undefined && issue.pull_request !== null,
    },
    actor: { id: sender.id, login: sender.login },
    ...(comment === undefined ? {} : { comment: { id: comment.id, url: comment.html_url } }),
  };
}

/** What is kept is JSON: keys without a value are left out. */
const asJson = (input: object) => z.json().parse(JSON.parse(JSON.stringify(input)));

const taskFrom = (input: RunInput, origin: Origin, { ids, clock, defaults }: IntakeOptions): InState<"queued"> =>
  toTask({ id: ids.task(), origin, spec: specFrom(input, defaults), now: clock.now() });

async function keep(
  heard: Heard,
  said: { origin: Origin & { place: IssuePlace }; tasks: InState<"queued">[]; says: Saying[] },
  { store, clock, log }: IntakeOptions,
): Promise<void> {
  const now = clock.now();
  const { place, actor, comment } = said.origin;
  // A comment that only starts work needs none.
  const newest = said.says.length === 0 ? undefined : await latestTask(store, now, place);
  const request: Request | undefined =
    said.says.length === 0
      ? undefined
      : {
          id: `${place.repository.id}/${heard.what}`.replaceAll("/", "-"),
          place,
          actor,
          ...(comment === undefined ? {} : { comment }),
          says: said.says,
          newest: newest?.value.id ?? null,
          createdAt: now,
          tries: 0,
        };
  const delivery = DeliveryId.parse(heard.delivery);
  const { installation } = place;
  const outcome = await takeIn(store, {
    delivery,
    installation,
    what: heard.what,
    tasks: said.tasks,
    request,
    now,
  });
  const tasks = said.tasks.map((task) => task.id);
  log.info({ delivery, what: heard.what, by: actor.id, tasks, says: said.says.length, outcome }, "delivery");
}
