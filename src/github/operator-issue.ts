/**
 * Notices in the operator's own repository: one issue for each kind and month, with a comment for each notice. Issue and
 * comment bear hidden marks and are looked for before they are made, so a crash makes neither twice.
 */
import { monthOf } from "../core/budget.ts";
import type { Notice } from "../core/notice.ts";
import type { OperatorChannel } from "../core/ports/notices.ts";
import type { Clients, Installed } from "./client.ts";
import { pages, perPage } from "./pages.ts";
import { replyMarker, repoOf, type RepositoryPlace } from "./place.ts";
import { findComment } from "./report/comment.ts";

export interface OperatorIssueOptions {
  readonly clients: Clients;
  readonly appId: number;
  /** `owner/name`. */
  readonly repository: string;
}

const titles: Record<Notice["kind"], string> = {
  budget: "Parhelia: budgets",
  errors: "Parhelia: tasks that broke",
  timeouts: "Parhelia: tasks out of time",
  schedule: "Parhelia: scheduled jobs that failed",
};
const intros: Record<Notice["kind"], string> = {
  budget: "Each comment tells of a ceiling that much is used of.",
  errors: "Each comment tells of an hour in which many tasks broke on our side or lost their sandboxes.",
  timeouts: "Each comment tells of an hour in which many tasks ran out of time.",
  schedule: "Each comment tells of a job of the schedule that failed.",
};

const topicMarker = ({ kind, at }: Notice): string => `<!-- parhelia notices ${kind} ${monthOf(at)} -->`;

export function openOperatorIssue({ clients, appId, repository }: OperatorIssueOptions): OperatorChannel {
  const [owner = "", name = ""] = repository.split("/");
  const place = { repository: { owner, name } };
  /** Issues by their marks, as known to this process. */
  const known = new Map<string, number>();

  const issueFor = async (installed: Installed, notice: Notice): Promise<number> => {
    const marker = topicMarker(notice);
    const number = known.get(marker) ?? (await findIssue(installed, place, { marker, appId, at: notice.at }));
    const found = number ?? (await makeIssue(installed, place, notice));
    known.set(marker, found);
    return found;
  };
  return {
    name: "issue",
    async tell(notice) {
      const installation = await clients.installationOn(place);
      if (installation === undefined) {
        throw new Error(`The app is not installed on ${repository} (operator.repository): install it there.`);
      }
      const installed = clients.of(installation);
      const number = await issueFor(installed, notice);
      const marker = replyMarker(`notice ${notice.key}`);
      if ((await findComment({ ...installed, place: { ...place, number }, appId }, marker, notice.at)) !== undefined)
        return;
      const body = `${marker}\n${notice.text}`;
      const create = () =>
        installed.octokit.rest.issues.createComment({ ...repoOf(place), issue_number: number, body });
      await installed.writer.createNow(create);
    },
  };
}

/** An issue of this month, changed since its beginning at least. Others may copy the mark, so the author is looked at too. */
async function findIssue(
  { octokit }: Installed,
  place: RepositoryPlace,
  { marker, appId, at }: { marker: string; appId: number; at: Notice["at"] },
): Promise<number | undefined> {
  const since = new Date(Date.parse(`${monthOf(at)}-01T00:00:00Z`)).toISOString();
  const issues = pages(async (page) => {
    const ask = { ...repoOf(place), state: "all", since, per_page: perPage, page } as const;
    return (await octokit.rest.issues.listForRepo(ask)).data;
  });
  for await (const { number, body, performed_via_github_app: app } of issues)
    if (app?.id === appId && body?.startsWith(marker) === true) return number;
  return undefined;
}

async function makeIssue({ octokit, writer }: Installed, place: RepositoryPlace, notice: Notice): Promise<number> {
  const title = `${titles[notice.kind]}, ${monthOf(notice.at)}`;
  const body = `${topicMarker(notice)}\n${intros[notice.kind]} It may be closed at any time; comments come all the same until the month is over.`;
  const { data } = await writer.send(() => octokit.rest.issues.create({ ...repoOf(place), title, body }));
  return data.number;
}
