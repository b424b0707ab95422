/**
 * The settings of a repository, read from its default branch when work asks for them. GitHub is asked each time, so that a
 * change counts at once, and answers 304 for what we know, which costs nothing of the hourly limit. A file that cannot be
 * read refuses work: running on without it would be running with looser limits than somebody wrote down.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import type { InstallationId } from "../core/ids.ts";
import { inlineCode, plainLine } from "../core/markdown.ts";
import { Refusal } from "../core/refusal.ts";
import { settingsPath } from "../core/settings/schema.ts";
import { defaultSettings, problemWords, type Problem, type Settings } from "../core/settings/settings.ts";
import type { Repository } from "../core/task.ts";
import { mostSettingsBytes, readSettings, tooLarge, type SettingsFileRead } from "../commands/settings-file.ts";
import type { Clients } from "./client.ts";
import { failureOf, orUndefined } from "./failure.ts";
import { repoOf } from "./place.ts";

export interface RepositorySettings {
  /** Throws a `Refusal` that names the problems of a file that cannot be used, and anything else where GitHub gives no answer. */
  of(installation: InstallationId, repository: Repository): Promise<Settings>;
}

/** A file as the contents API hands it out; of a folder it hands out a list. */
const File = z.object({ type: z.string(), sha: z.string(), size: z.int(), content: z.string().optional() });

interface Known {
  readonly etag: string | undefined;
  /** The kind of what is there, and its blob's id. */
  readonly sha: string;
}

/** Files of about a thousand repositories, at most 64 KiB each and most of them short. */
const remembered = 1000;

export function openSettings(clients: Pick<Clients, "of">): RepositorySettings {
  const known = new Map<number, Known>();
  // The ETag changes with every token, so what was read is kept by what it is made from.
  const reads = new Map<string, SettingsFileRead>();
  return {
    async of(installation, repository) {
      const { octokit } = clients.of(installation);
      const { id } = repository;
      const before = known.get(id);
      const found = await ask(octokit, repository, before?.etag);
      if (found === "none") {
        known.delete(id);
        return defaultSettings();
      }
      if (found === "same" && before !== undefined)
        return settled(reads.get(before.sha) ?? (await again(repository, octokit)));
      if (found === "same") throw new Error("GitHub knows an answer that was never given to us");
      return settled(keep(id, found));
    },
  };

  function keep(id: number, found: Found): SettingsFileRead {
    const { etag, sha } = found;
    const read = reads.get(sha) ?? readFile(found.data);
    remember(reads, sha, read);
    remember(known, id, { etag, sha });
    return read;
  }

  /** What was forgotten meanwhile is asked for once more, without a condition. */
  async function again(repository: Repository, octokit: Octokit): Promise<SettingsFileRead> {
    const found = await ask(octokit, repository, undefined);
    if (found === "none" || found === "same") throw new Error(`${settingsPath} changed while it was read`);
    return keep(repository.id, found);
  }
}

interface Found {
  readonly etag: string | undefined;
  readonly sha: string;
  readonly data: unknown;
}

/** What the file says at a commit, or that there is none; a fork's commit is served too. */
export async function settingsAt(
  octokit: Octokit,
  repository: Repository,
  sha: string,
): Promise<SettingsFileRead | "none"> {
  const call = octokit.rest.repos.getContent({ ...repoOf({ repository }), path: settingsPath, ref: sha });
  const answer = await orUndefined(call);
  return answer === undefined ? "none" : readFile(answer.data);
}

async function ask(
  octokit: Octokit,
  repository: Repository,
  etag: string | undefined,
): Promise<Found | "none" | "same"> {
  const headers = etag === undefined ? {} : { "if-none-match": etag };
  try {
    const call = octokit.rest.repos.getContent({ ...repoOf({ repository }), path: settingsPath, headers });
    const answer = await orUndefined(call);
    if (answer === undefined) return "none";
    const data: unknown = answer.data;
    const file = File.safeParse(data).data;
    // A link has the id of a file that holds the link's aim.
    const sha = file === undefined ? "no file" : `${file.type}/${file.sha}`;
    return { etag: answer.headers.etag, sha, data };
  } catch (error) {
    if (failureOf(error)?.status === 304) return "same";
    throw error;
  }
}

const noFile: Problem = { line: 1, key: "", message: "this is no file", cure: "Put a file in its place." };
const noText: Problem = { line: 1, key: "", message: "this is no text in UTF-8", cure: "Save it as UTF-8." };

function readFile(data: unknown): SettingsFileRead {
  const file = File.safeParse(data).data;
  if (file?.type !== "file") return { ok: false, problems: [noFile] };
  if (file.size > mostSettingsBytes || file.content === undefined) return { ok: false, problems: [tooLarge] };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(Buffer.from(file.content, "base64"));
  } catch (error) {
    if (error instanceof TypeError) return { ok: false, problems: [noText] };
    throw error;
  }
  return readSettings(text);
}

const shownProblems = 5;

function settled(read: SettingsFileRead): Settings {
  if (read.ok) return read.settings;
  const shown = read.problems.slice(0, shownProblems);
  const left = read.problems.length - shown.length;
  throw new Refusal(
    [
      `Nothing new starts here until ${inlineCode(settingsPath)} on the default branch can be used:`,
      [
        ...shown.map((problem) => `- line ${problem.line}: ${plainLine(problemWords(problem))}`),
        ...(left > 0 ? [`- and ${left} more`] : []),
      ].join("\n"),
      `\`parhelia config check ${settingsPath}\` at a terminal reads it the same way.`,
    ].join("\n\n"),
  );
}

/** Keeps the newest entries; the one that was written longest ago goes first. */
function remember<K, V>(entries: Map<K, V>, key: K, value: V): void {
  entries.delete(key);
  entries.set(key, value);
  const [oldest] = entries.keys();
  if (entries.size > remembered && oldest !== undefined) entries.delete(oldest);
}
