/**
 * Labels that start something and are still there, on what changed lately, in some repositories at a time. Who put one on,
 * and when, is read from the issue's own events; what was written after that is not what was asked for.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { DeliveryId, type InstallationId } from "../../core/ids.ts";
import { after, dayMs, Instant, minuteMs } from "../../core/instant.ts";
import { inlineCode } from "../../core/markdown.ts";
import type { Clock } from "../../core/ports/clock.ts";
import { labelNamed } from "../../core/settings/settings.ts";
import type { FoundLabel, FoundLabels } from "../../records/labels.ts";
import { pages, perPage } from "../pages.ts";
import { repoOf } from "../place.ts";
import type { RepositorySettings } from "../settings.ts";
import { walk, type Spot, type WalkOptions } from "../walk.ts";
import { requestOf, type PutOn } from "./intake.ts";
import { eventsOf } from "./on-issue.ts";

export interface MissedLabelsOptions extends WalkOptions {
  readonly settings: RepositorySettings;
  readonly clock: Clock;
}

/** As long as GitHub keeps its deliveries. */
const longestAgoMs = 3 * dayMs;
/** What changed while the last answer was on its way. */
const overlapMs = 2 * minuteMs;

export function openMissedLabels(options: MissedLabelsOptions): (from: string | undefined) => Promise<FoundLabels> {
  /** Up to when each repository was looked at by this process. */
  const seenTo = new Map<number, Instant>();
  return async (from) => {
    const now = options.clock.now();
    const looked: number[] = [];
    const look = async (spot: Spot): Promise<FoundLabel[]> => {
      const { id } = spot.repository;
      const found = await inRepository(options, spot, after(seenTo.get(id) ?? after(now, -longestAgoMs), -overlapMs));
      looked.push(id);
      return found;
    };
    const { found, next } = await walk(options, from, { what: "labels", look });
    const written = (): void => {
      for (const id of looked) seenTo.set(id, now);
    };
    return { found, next, written };
  };
}

type Listed = Awaited<ReturnType<Octokit["rest"]["issues"]["listForRepo"]>>["data"][number];
type NamedLabel = PutOn["label"];

const labelsOf = ({ labels }: Listed): NamedLabel[] =>
  labels.flatMap((label) => {
    if (typeof label === "string" || label.id === undefined || label.name === undefined) return [];
    return [{ id: label.id, name: label.name }];
  });

async function inRepository(options: MissedLabelsOptions, spot: Spot, since: Instant): Promise<FoundLabel[]> {
  const { installation, repository } = spot;
  const { octokit } = options.clients.of(installation);
  const on = { id: repository.id, owner: repository.owner.login, name: repository.name };
  const settings = await options.settings.of(installation, on);
  const changed = pages(async (page) => {
    const ask = { ...repoOf({ repository: on }), state: "all", since: new Date(since).toISOString() } as const;
    return (await octokit.rest.issues.listForRepo({ ...ask, per_page: perPage, page })).data;
  });
  const found: FoundLabel[] = [];
  for await (const issue of changed) {
    for (const label of labelsOf(issue).filter(({ name }) => labelNamed(settings, name) !== undefined)) {
      const one = await foundOn(octokit, { installation, on, issue, label, now: options.clock.now() });
      if (one !== undefined) found.push(one);
    }
  }
  return found;
}

interface Borne {
  readonly installation: InstallationId;
  readonly on: { readonly id: number; readonly owner: string; readonly name: string };
  readonly issue: Listed;
  readonly label: NamedLabel;
  readonly now: Instant;
}

/** Undefined where nobody is known to have put it on. */
async function foundOn(octokit: Octokit, borne: Borne): Promise<FoundLabel | undefined> {
  const { installation, on, issue, label, now } = borne;
  const events = await eventsOf(octokit, { repository: on, number: issue.number });
  const put = events.findLast((event) => event.event === "labeled" && event.label?.name === label.name);
  if (put?.actor === undefined || put.actor === null) return undefined;
  const at = Instant.parse(Date.parse(put.created_at));
  // What GitHub delivered of it is known here no more: the app may not even have been there.
  if (at < after(now, -longestAgoMs)) return undefined;
  const isPull = issue.pull_request !== undefined;
  const thing = { ...issue, body: issue.body ?? null };
  const repository = { ...on, owner: { login: on.owner } };
  const kind = isPull ? "pull request" : "issue";
  const { what, request } = requestOf({ installation, repository, thing, kind, label, by: put.actor }, at, now);
  const delivery = DeliveryId.parse(`found/${what}`);
  const wasRenamed = events.some((event) => event.event === "renamed" && Date.parse(event.created_at) >= at);
  // GitHub tells whole seconds: what was changed in the same one may have come later.
  if (!wasRenamed && (await editedAt(octokit, borne, isPull)) < at) return { what, delivery, request };
  if (put.actor.type === "Bot") return undefined;
  const words = `The label ${inlineCode(label.name)} was put on before the text here was changed, and I saw it only now. Take it off and put it on again if the text as it is now shall be done.`;
  return { what, delivery, request: { ...request, says: [{ words }] } };
}

const query = (kind: "issue" | "pullRequest"): string => `
  query ($owner: String!, $name: String!, $number: Int!) {
    repository(owner: $owner, name: $name) { ${kind}(number: $number) { lastEditedAt } }
  }`;

const Edited = z.object({ lastEditedAt: z.string().nullable() });
const Answer = z.object({ repository: z.object({ issue: Edited.optional(), pullRequest: Edited.optional() }) });

/** When its text was changed last, in milliseconds; 0 where it never was. REST does not say it. */
async function editedAt(octokit: Octokit, { on, issue }: Borne, isPull: boolean): Promise<number> {
  const variables = { owner: on.owner, name: on.name, number: issue.number };
  const { repository } = Answer.parse(await octokit.graphql(query(isPull ? "pullRequest" : "issue"), variables));
  const edited = repository.issue ?? repository.pullRequest;
  return edited?.lastEditedAt ? Date.parse(edited.lastEditedAt) : 0;
}
