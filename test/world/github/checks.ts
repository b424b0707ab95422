/** Check runs: what GitHub accepts of them, and the events that follow. */
import { z } from "zod";
import { announce } from "./announce.ts";
import { ApiError, malformed } from "./answer.ts";
import { suiteAt } from "./branches.ts";
import { checkRunShape, checkSuiteShape } from "./code-shapes.ts";
import { commitOf, isSha } from "./git.ts";
import { limits } from "./limits.ts";
import type { Account, App, CheckRun, Repository } from "./state.ts";
import type { World } from "./world.ts";

const characters = (most: number) =>
  z.string().refine((text) => [...text].length <= most, `at most ${most} characters`);
const bytes = (most: number) => z.string().refine((text) => Buffer.byteLength(text) <= most, `at most ${most} bytes`);
const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

const Annotation = z
  .object({
    path: z.string().min(1),
    start_line: z.int(),
    end_line: z.int(),
    start_column: z.int().optional(),
    end_column: z.int().optional(),
    annotation_level: z.enum(["notice", "warning", "failure"]),
    message: bytes(limits.annotationMessageBytes),
    title: characters(limits.annotationTitleCharacters).optional(),
    raw_details: bytes(limits.annotationMessageBytes).optional(),
  })
  .refine(
    (each) => each.start_line === each.end_line || (each.start_column === undefined && each.end_column === undefined),
    "columns need start_line and end_line to be equal",
  );

const Output = z.object({
  title: z.string().min(1),
  summary: bytes(limits.checkTextBytes),
  text: bytes(limits.checkTextBytes).optional(),
  annotations: z.array(Annotation).max(limits.annotationsARequest).default([]),
  images: z.array(z.object({ alt: z.string(), image_url: z.url(), caption: z.string().optional() })).optional(),
});

const Action = z.object({
  label: characters(limits.actionLabelCharacters),
  description: characters(limits.actionDescriptionCharacters),
  identifier: characters(limits.actionIdentifierCharacters),
});

const conclusions = ["action_required", "cancelled", "failure", "neutral", "success", "skipped", "timed_out"] as const;
/** `stale` is GitHub's own to set; waiting, requested and pending belong to Actions. */
const fields = {
  status: z.enum(["queued", "in_progress", "completed"]).optional(),
  conclusion: z.enum(conclusions).optional(),
  details_url: z.url().optional(),
  external_id: z.string().optional(),
  started_at: instant.optional(),
  completed_at: instant.optional(),
  actions: z.array(Action).max(limits.checkActions).optional(),
};
export const NewCheck = z.object({
  ...fields,
  name: z.string().min(1),
  head_sha: z.string(),
  output: Output.optional(),
});
export const CheckEdit = z.object({
  ...fields,
  name: z.string().min(1).optional(),
  output: Output.partial({ title: true }).optional(),
});
type NewCheck = z.output<typeof NewCheck>;
type CheckEdit = z.output<typeof CheckEdit>;

/** Throws 422 where the commit is not there. */
export async function createCheck(world: World, repository: Repository, app: App, made: NewCheck): Promise<CheckRun> {
  if (!isSha(made.head_sha) || (await commitOf(repository.directory, made.head_sha)) === undefined)
    throw new ApiError(422, `No commit found for SHA: ${made.head_sha}`);
  const run: CheckRun = {
    id: world.nextId("checkRun"),
    app,
    repository,
    sha: made.head_sha,
    suite: suiteAt(world, repository, app, made.head_sha),
    name: made.name,
    status: "queued",
    conclusion: undefined,
    detailsUrl: undefined,
    externalId: "",
    startedAt: world.now(),
    completedAt: undefined,
    output: undefined,
    annotations: [],
    actions: [],
  };
  change(world, run, made);
  repository.checkRuns.push(run);
  announceCheck(world, run, "created", app.bot);
  if (run.status === "completed") completed(world, run);
  return run;
}

/** Throws 403 for another app's run, 422 for a completion without conclusion. */
export function updateCheck(world: World, run: CheckRun, app: App, edit: CheckEdit): void {
  if (run.app !== app)
    throw new ApiError(
      403,
      `Invalid app_id \`${app.id}\` - check run can only be modified by the GitHub App that created it.`,
    );
  const wasCompleted = run.status === "completed";
  change(world, run, edit);
  if (run.status === "completed" && !wasCompleted) completed(world, run);
}

function change(world: World, run: CheckRun, edit: CheckEdit): void {
  const status = edit.conclusion === undefined ? edit.status : "completed";
  if (edit.status === "completed" && edit.conclusion === undefined)
    throw malformed('If you provide a "status" of "completed", you must also provide a "conclusion".');
  // One that is completed is not opened again.
  if (status !== undefined && (run.status !== "completed" || status === "completed")) {
    run.status = status;
    run.conclusion = edit.conclusion;
    run.completedAt = status === "completed" ? (edit.completed_at ?? world.now()) : undefined;
  }
  run.name = edit.name ?? run.name;
  run.detailsUrl = edit.details_url ?? run.detailsUrl;
  run.externalId = edit.external_id ?? run.externalId;
  run.startedAt = edit.started_at ?? run.startedAt;
  run.actions = edit.actions ?? run.actions;
  if (edit.output === undefined) return;
  const { title, summary, text, annotations } = edit.output;
  run.output = { title: title ?? run.output?.title ?? run.name, summary, text };
  // Each request adds to the annotations; none replaces an earlier batch.
  run.annotations.push(...annotations);
}

function completed(world: World, run: CheckRun): void {
  announceCheck(world, run, "completed", run.app.bot);
  const siblings = run.repository.checkRuns.filter((each) => each.suite === run.suite);
  if (siblings.some((each) => each.status !== "completed")) return;
  const more = { check_suite: checkSuiteShape(world, run.repository, run.suite) };
  announce(world, {
    event: "check_suite",
    action: "completed",
    sender: run.app.bot,
    repository: run.repository,
    more,
  });
}

/** `rerequested` and `requested_action` reach only the app that made the run. */
export function announceCheck(world: World, run: CheckRun, action: string, sender: Account, more: object = {}): void {
  if (run.app !== world.app && action.startsWith("re")) return;
  const check_run = checkRunShape(world, run);
  announce(world, { event: "check_run", action, sender, repository: run.repository, more: { check_run, ...more } });
}
