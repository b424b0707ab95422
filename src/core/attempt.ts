/** An attempt: one try at a task, in one sandbox, with one outcome. */
import { z } from "zod";
import { AttemptId, SandboxName, TaskId } from "./ids.ts";
import { Instant } from "./instant.ts";
import { MicroUsd } from "./money.ts";
import { Verdict } from "./task.ts";
import { RanOn } from "./cards.ts";

/** `lost` and `preempted` say what happened to a sandbox; a task is never in such a state. */
export const Outcome = z.enum([...Verdict.options, "lost", "preempted"]);
export type Outcome = z.output<typeof Outcome>;

/** Written by the engine alone. */
export const Attempt = z.object({
  id: AttemptId,
  task: TaskId,
  sandbox: SandboxName,
  /** When the slot was taken and the sandbox's name written down, before anything was created. */
  claimedAt: Instant,
  /** When the backend said that the sandbox lives; absent until it did. */
  createdAt: Instant.optional(),
  /** The last time that the backend said that it had no machine for the sandbox; absent where it never did. */
  waitedAt: Instant.optional(),
  /** The last time that the backend was asked, and whether it knew the sandbox. */
  seen: z.object({ at: Instant, alive: z.boolean() }).optional(),
  /** Money per hour that the backend takes for this sandbox; the dearest of what was asked for, until one is made. */
  microUsdPerHour: MicroUsd,
  /** The GPU that its sandbox was made with, as it was asked for; of several, the one that came. */
  gpu: z.string().optional(),
  /** What was found in the sandbox where a GPU was asked for; absent until it has spoken. */
  ranOn: RanOn.optional(),
  endedAt: Instant.optional(),
  outcome: Outcome.optional(),
  because: z.string().optional(),
});
export type Attempt = z.output<typeof Attempt>;

/** What was last heard from the sandbox. Written by the gateway alone; texts are untrusted. */
export const Heard = z.object({
  firstAt: Instant,
  lastAt: Instant,
  /** The last time that it told of work, and not only that it lives; absent where an older release heard it. */
  busyAt: Instant.optional(),
  /** The phase that the runner says it is in. */
  phase: z.string(),
  /** Newest last, a handful. */
  doing: z.array(z.string()),
  plan: z.array(z.object({ text: z.string(), state: z.enum(["todo", "now", "done"]) })),
  /** The GPUs in it, as its first words named them; absent where none was asked for. */
  cards: z.array(z.string()).optional(),
  /** Cost as the agent claims it; compared, never charged. */
  claimed: MicroUsd.optional(),
});
export type Heard = z.output<typeof Heard>;
