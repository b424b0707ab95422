/** `run`: what someone asks for becomes a task. From a comment it is written down with the delivery, without this file's `run`. */
import { z } from "zod";
import type { TaskId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import { inlineCode, plainLine } from "../core/markdown.ts";
import { dollars } from "../core/money.ts";
import { elapsed, title } from "../core/headline.ts";
import { Budget, Cores, Gpu, MemoryMiB, Model, Ref, TimeoutMs } from "../core/quantities.ts";
import { Named, type InState, type Origin, type Spec, type Work } from "../core/task.ts";
import { createTask } from "../records/create-task.ts";
import { command, typed, type OptionGrammar, type Positional, type RunDefaults } from "./command.ts";

export const runInput = z
  .strictObject({
    instruction: z.string().trim().min(1).describe("What the agent shall do").optional(),
    body: z.string().describe("More about it, on any number of lines").optional(),
    argv: z.array(z.string()).min(1).describe("A command to run instead of an agent; not read by a shell").optional(),
    gpu: Gpu.optional(),
    cpu: Cores.optional(),
    memory: MemoryMiB.optional(),
    timeout: TimeoutMs.optional(),
    budget: Budget.optional(),
    model: Model.optional(),
    ref: Ref.optional(),
    publish: z.boolean().describe("Whether changes become a pull request").optional(),
  })
  .refine((asked) => (asked.instruction === undefined) !== (asked.argv === undefined), {
    error: "Give an instruction or a command, one of the two.",
  })
  .refine((asked) => asked.argv === undefined || asked.model === undefined, {
    path: ["model"],
    error: "`--model` is for an agent; a plain command uses none.",
  });

/** As a comment or a client gives it: sizes, times and money are text with units. */
export type RunInput = z.input<typeof runInput>;

/** Throws where the input does not fit; what `parseComment` and `parseArgv` return does. */
export const specFrom = (given: RunInput, defaults: RunDefaults): Spec => specOf(runInput.parse(given), defaults);

export function specOf(asked: z.output<typeof runInput>, defaults: RunDefaults): Spec {
  return {
    work: workFrom(asked, defaults),
    timeoutMs: asked.timeout ?? defaults.timeoutMs,
    budget: asked.budget ?? defaults.budget,
    resources: {
      cpu: asked.cpu ?? defaults.cpu,
      memoryMiB: asked.memory ?? defaults.memoryMiB,
      ...(asked.gpu === undefined ? {} : { gpu: asked.gpu }),
    },
    ref: asked.ref ?? null,
    publish: asked.publish ?? true,
    named: Named.options.filter((name) => name !== "max_wait" && asked[name] !== undefined),
  };
}

function workFrom(asked: z.output<typeof runInput>, defaults: RunDefaults): Work {
  if (asked.argv !== undefined) return { kind: "command", argv: asked.argv };
  const [instruction = "", ...below] = (asked.instruction ?? "").split(/\r\n?|\n/);
  const body = [below.join("\n"), asked.body ?? ""].map((text) => text.trim()).filter((text) => text !== "");
  return {
    kind: "agent",
    instruction: instruction.trim(),
    body: body.join("\n\n"),
    model: asked.model ?? defaults.model,
  };
}

export const toTask = (ask: { id: TaskId; origin: Origin; spec: Spec; now: Instant }): InState<"queued"> => ({
  id: ask.id,
  origin: ask.origin,
  spec: ask.spec,
  createdAt: ask.now,
  attempts: 0,
  attemptsBefore: 0,
  ceiling: ask.spec.budget,
  state: "queued",
  since: ask.now,
  tries: 0,
});

export const runOptions: readonly OptionGrammar[] = [
  {
    name: "gpu",
    key: "gpu",
    value: "<type[:count]>",
    summary: "GPU, such as `H100` or `A100-80GB:2`; of `H100,A100` the first that is free is taken",
  },
  { name: "cpu", key: "cpu", value: "<cores>", summary: "CPU cores" },
  { name: "memory", key: "memory", value: "<GiB>", summary: "memory, such as `8` (GiB) or `512MiB`" },
  {
    name: "timeout",
    key: "timeout",
    value: "<time>",
    summary: "time for the work, such as `30m` or `1h30m`",
  },
  { name: "budget", key: "budget", value: "<dollars>", summary: "what it may cost, such as `$2`" },
  { name: "model", key: "model", value: "<name>", summary: "model of the agent" },
  { name: "ref", key: "ref", value: "<ref>", summary: "branch, tag or commit to start from" },
  { name: "no-publish", key: "publish", sets: false, summary: "make no pull request of the changes" },
];

export const runPositional: Positional = { kind: "rest", key: "instruction", bodyKey: "body", argvKey: "argv" };

export const run = command({
  name: "run",
  usage: "run [options] <instruction…> | run [options] -- <command…>",
  summary: "Let an agent do what the line and the text below it say, or run a plain command.",
  needs: "write",
  surfaces: ["comment", "terminal", "mcp"],
  options: [
    ...runOptions,
    { name: "dry-run", key: "dryRun", instead: "estimate", summary: "start nothing: say what it would take and cost" },
  ],
  positional: runPositional,
  examples: [
    "run fix the null check when the list is empty",
    'run --gpu H100 --timeout 2h --budget $20 "train the small model"',
    "run --no-publish -- npm test",
  ],
  input: runInput,
  async run(asked, { asker, store, ids, defaults, now, op }) {
    const origin: Origin = {
      place: asker.place,
      actor: asker.actor,
      ...(asker.comment === undefined ? {} : { comment: asker.comment }),
    };
    const spec = specOf(asked, defaults);
    const task = toTask({ id: ids.task(), origin, spec, now });
    await createTask(store, { task, now, op });
    const limits = `at most ${elapsed(spec.timeoutMs)} and ${dollars(spec.budget)}`;
    const hint = (words: string): string => inlineCode(typed(asker.place, `${words} ${task.id}`));
    return `Queued as ${inlineCode(task.id)}, ${limits}: ${plainLine(title(task))}

How it goes: ${hint("status")} · Stop it: ${hint("cancel")}`;
  },
});
