/**
 * The check run on a pull request that changes the repository's settings: what is wrong stands on its line before it is
 * merged. Nothing of the file takes effect here; whoever wrote it may be anybody.
 */
import type { Sha } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { clipBytes, inlineCode, plainLine } from "../core/markdown.ts";
import { readPath } from "../core/paths.ts";
import type { PublishRequest } from "../core/ports/forge.ts";
import type { Log } from "../core/ports/log.ts";
import type { ManifestEntry } from "../core/protocol.ts";
import { settingsPath } from "../core/settings/schema.ts";
import { problemWords, type Problem } from "../core/settings/settings.ts";
import type { IssuePlace } from "../core/task.ts";
import type { SettingsFileRead } from "../commands/settings-file.ts";
import { failureOf, isNo } from "./failure.ts";
import { pages, perPage } from "./pages.ts";
import { repoOf } from "./place.ts";
import { findCheck } from "./report/checks.ts";
import type { Spot } from "./report/comment.ts";
import { settingsAt } from "./settings.ts";

const name = "Parhelia settings";
/** Tells these runs from others of ours; each commit has one. */
const externalId = "settings";

/** Makes the run where the pull request changes the file. Where GitHub will not have it, the log says so. */
export async function checkSettings(
  spot: Spot & { readonly place: IssuePlace },
  ask: { sha: Sha; now: Instant; log: Log },
): Promise<void> {
  const { octokit, writer, place } = spot;
  const { sha, now, log } = ask;
  const repo = repoOf(place);
  if (!(await changesSettings(spot))) return;
  const read = await settingsAt(octokit, place.repository, sha);
  const fields = {
    status: "completed" as const,
    conclusion: read === "none" || read.ok ? ("success" as const) : ("failure" as const),
    completed_at: new Date(now).toISOString(),
    external_id: externalId,
  };
  try {
    // The same commit has the same file, so a run that is there says it already.
    if ((await findCheck(spot, { name, externalId, sha })) !== undefined) return;
    const output = outputOf(read);
    await writer.send(() => octokit.rest.checks.create({ ...repo, name, head_sha: sha, ...fields, output }));
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    log.warn({ repository: place.repository, number: place.number, refused: failure.message }, "no check of settings");
  }
}

/** The manifest as it is, and afterwards whether it changes the settings. */
export function noticingSettings(request: PublishRequest): { request: PublishRequest; isChanged(): boolean } {
  let isChanged = false;
  async function* changes(): AsyncIterable<ManifestEntry> {
    for await (const entry of request.changes()) {
      if (entry.do !== "more" && readPath(entry.path) === settingsPath) isChanged = true;
      yield entry;
    }
  }
  return { request: { ...request, changes }, isChanged: () => isChanged };
}

/** GitHub lists the first 3,000 files of a pull request; what a larger one does to the settings shows when it is merged. */
async function changesSettings({ octokit, place }: Spot): Promise<boolean> {
  const files = pages(async (page) => {
    const ask = { ...repoOf(place), pull_number: place.number, per_page: perPage, page };
    return (await octokit.rest.pulls.listFiles(ask)).data;
  });
  for await (const { filename, previous_filename: before } of files)
    if (filename === settingsPath || before === settingsPath) return true;
  return false;
}

/** GitHub takes as many in one request. */
const mostAnnotations = 50;
/** Below the 64 KB that GitHub takes. */
const longestMessageBytes = 4000;

const effect = "They hold once this is on the default branch. Until then, its file counts and not this one.";

function outputOf(read: SettingsFileRead | "none") {
  if (read === "none")
    return {
      title: "The file is removed",
      summary: `Without ${inlineCode(settingsPath)} on the default branch, the defaults hold.`,
    };
  if (read.ok) return { title: "The settings can be used", summary: effect };
  const count = read.problems.length;
  const shown = read.problems.slice(0, mostAnnotations);
  const list = shown.map((problem) => `- line ${problem.line}: ${plainLine(clipped(problem))}`);
  const left = count > shown.length ? [`- and ${count - shown.length} more`] : [];
  return {
    title: count === 1 ? "1 problem" : `${count} problems`,
    summary: clipBytes(
      [
        `Merged like this, nothing new would start here until ${inlineCode(settingsPath)} can be used again.`,
        [...list, ...left].join("\n"),
        `\`parhelia config check ${settingsPath}\` at a terminal reads it the same way.`,
      ].join("\n\n"),
      60_000,
      { keep: "start" },
    ),
    annotations: shown.map((problem) => ({
      path: settingsPath,
      start_line: problem.line,
      end_line: problem.line,
      annotation_level: "failure" as const,
      title: clipBytes(problem.key === "" ? settingsPath : problem.key, 200, { keep: "start" }),
      message: clipped(problem),
    })),
  };
}

const clipped = (problem: Problem): string => clipBytes(problemWords(problem), longestMessageBytes, { keep: "start" });
