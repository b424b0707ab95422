/** What may come from a sandbox, checked: the gateway's side of `protocol.ts`. Whatever does not fit is refused whole. */
import { z } from "zod";
import { bounds, type AttemptResult, type EventPush, type ManifestEntry, type RunnerEvent } from "./protocol.ts";

const text = (maxLength: number) => z.string().max(maxLength);
/** Long enough for any one message, in UTF-16 units; the whole event is bounded in bytes by the size of its push. */
const message = text(bounds.eventBytes);

const event = {
  n: z.int().positive(),
  at: z.number(),
  level: z.enum(["debug", "info", "warning", "error"]),
  message,
};

const PlanStep = z.strictObject({ text: text(500), state: z.enum(["todo", "now", "done"]) });

const RunnerEventShape: z.ZodType<RunnerEvent> = z.discriminatedUnion("type", [
  z.strictObject({ ...event, type: z.literal("cards"), cards: z.array(text(200)).max(16) }),
  z.strictObject({ ...event, type: z.literal("runner_started") }),
  z.strictObject({ ...event, type: z.literal("heartbeat") }),
  z.strictObject({
    ...event,
    type: z.literal("phase"),
    phase: z.enum(["fetch", "checkout", "work", "collect", "push"]),
  }),
  z.strictObject({ ...event, type: z.literal("output"), stream: z.enum(["stdout", "stderr"]) }),
  z.strictObject({ ...event, type: z.literal("output_cut"), bytes: z.int().min(0) }),
  z.strictObject({ ...event, type: z.literal("agent_text") }),
  z.strictObject({ ...event, type: z.literal("agent_tool"), tool: text(200) }),
  z.strictObject({ ...event, type: z.literal("agent_plan"), steps: z.array(PlanStep).max(50) }),
  z.strictObject({
    ...event,
    type: z.literal("agent_claim"),
    claimedMicroUsd: z.int().min(0).max(99_999_999_999_999),
    turns: z.int().min(0),
  }),
  z.strictObject({ ...event, type: z.literal("runner_warning") }),
]);

export const EventPushShape: z.ZodType<EventPush> = z.strictObject({
  events: z.array(RunnerEventShape).max(bounds.eventsPerPush),
});

const base64 = z.base64();
const path = base64.min(1).max(8 * 1024);

export const ManifestEntryShape: z.ZodType<ManifestEntry> = z.discriminatedUnion("do", [
  z.strictObject({
    do: z.literal("put"),
    path,
    mode: z.enum(["100644", "100755", "120000", "160000"]),
    bytes: z.int().min(0).max(bounds.fileBytes),
    content: base64,
  }),
  z.strictObject({ do: z.literal("more"), content: base64 }),
  z.strictObject({ do: z.literal("delete"), path }),
]);

export const ManifestPartShape: z.ZodType<ManifestEntry[]> = z.array(ManifestEntryShape);

/** A result's parts at most; with `partBytes` for each this holds `resultBytes` in base64. */
export const partsAtMost = 64;

export const AttemptResultShape: z.ZodType<AttemptResult> = z.strictObject({
  ended: z.enum(["exited", "cancelled", "timed-out", "could-not-start"]),
  exitCode: z.int().nullable(),
  signal: text(20).nullable(),
  agent: z
    .strictObject({
      isError: z.boolean(),
      subtype: text(100),
      apiErrorStatus: z.int().nullable(),
      text: message,
      turns: z.int().min(0),
    })
    .nullable(),
  because: text(1000),
  tail: text(bounds.tailBytes),
  parts: z.int().min(0).max(partsAtMost),
  changedFiles: z.int().min(0).max(bounds.changedFiles),
  left: z.array(text(1000)).max(100),
});
