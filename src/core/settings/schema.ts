/**
 * What a repository may say about the work that is done in it: `.parhelia/config.toml` on its default branch. Strict, so
 * that a misspelt limit is never no limit. A section or key that the service's own settings have too means the same there.
 */
import { z } from "zod";
import { Budget, Cores, Gpu, Host, MemoryMiB, Model, Ref, textual, TimeoutMs } from "../quantities.ts";

export const settingsPath = ".parhelia/config.toml";

const optional = <S extends z.ZodType>(schema: S, what: string) => schema.describe(what).optional();
const listOf = <S extends z.ZodType>(item: S, what: string) => z.array(item).max(100).describe(what).default([]);
const money = textual.pipe(Budget);

/** The least role that may be asked for: whoever can read a public repository is everybody. */
const MayRun = z.enum(["triage", "write", "maintain", "admin"]);

const rule = (what: string) =>
  z
    .strictObject({
      role: MayRun.describe(`the least role in the repository that may start ${what}`).default("write"),
      users: listOf(
        z.int().positive(),
        "ids of people who may do so whatever their role (`gh api users/LOGIN --jq .id` shows one)",
      ),
      bots: listOf(
        z.int().positive(),
        "ids of bots that may do so, and no other bot (`gh api 'users/NAME[bot]' --jq .id` shows one)",
      ),
    })
    .prefault({});

const GpuChoice = z
  .union([Gpu, z.array(Gpu).min(1).max(8)])
  .transform((choice) => (typeof choice === "string" ? [choice] : choice))
  .describe("a GPU such as H100 or H100:2, or a list of them, the one to try first in front");
const sizes = {
  cpu: optional(textual.pipe(Cores), "CPU cores, such as 2 or 0.5"),
  memory: optional(textual.pipe(MemoryMiB), "memory, in GiB where no unit is given, such as 8 or 512MiB"),
  timeout: optional(TimeoutMs, "time for the work, such as 30m or 1h30m"),
  gpu: GpuChoice.optional(),
  max_wait: optional(TimeoutMs, "how long to wait for one GPU of a list before the next is tried, such as 10m"),
};

type Complain = (path: readonly string[], message: string) => void;

/** Rules over several keys of a table. */
const together = <S extends z.ZodObject>(schema: S, check: (table: z.output<S>, complain: Complain) => void) =>
  schema.superRefine((table, context) =>
    check(table, (path, message) => context.addIssue({ code: "custom", path: [...path], input: table, message })),
  );

const waitsForAList = (table: { gpu?: string[] | undefined; max_wait?: number | undefined }, complain: Complain) => {
  if (table.max_wait !== undefined && (table.gpu?.length ?? 0) < 2)
    complain(["max_wait"], "a wait is for a list of GPUs. Give `gpu` a list, or remove this key.");
};

const LabelTable = together(
  z.strictObject({
    enabled: optional(z.boolean(), "false switches a label off that Parhelia brings along"),
    instruction: optional(z.string().trim().min(1).max(4000), "what the agent shall do; the issue itself unless told"),
    argv: optional(z.array(z.string()).min(1).max(100), "a command to run instead of an agent; not read by a shell"),
    ...sizes,
    budget: optional(money, "what a task of this label may cost, such as $5"),
    model: optional(Model, "model of the agent"),
    ref: optional(Ref, "branch, tag or commit to start from"),
    publish: optional(z.boolean(), "whether changes become a pull request"),
  }),
  (label, complain) => {
    if (label.argv !== undefined && label.instruction !== undefined)
      complain(["argv"], "a label has an instruction or a command, one of the two. Remove one.");
    if (label.argv !== undefined && label.model !== undefined)
      complain(["model"], "a plain command uses no model. Remove this key.");
    waitsForAList(label, complain);
  },
);
export type LabelTable = z.output<typeof LabelTable>;

/** A GPU costs, so it is never more than what the label's own name says (guide §3: explicit each time). */
export const shippedLabels: Readonly<Record<string, LabelTable>> = {
  parhelia: {},
  "parhelia:gpu-a10g": { gpu: ["A10"] },
  "parhelia:gpu-a100": { gpu: ["A100"] },
  "parhelia:gpu-h100": { gpu: ["H100"] },
};

/** What the sandbox never holds, and what would change which programs it runs (SECURITY.md). */
const reserved =
  /^(?:PARHELIA_.*|ANTHROPIC_.*|CLAUDE_.*|GITHUB_TOKEN|GH_TOKEN|PATH|HOME|LD_.*|NODE_OPTIONS|BASH_ENV|ENV)$/;
const SecretName = z
  .string()
  .regex(/^[A-Z_][A-Z0-9_]{0,63}$/, "is no name of a secret. Write it like `NPM_TOKEN`.")
  .refine((name) => !reserved.test(name), "is reserved. Give the secret another name.");

const Sandbox = together(
  z.strictObject({
    image: optional(z.string().regex(/^\w[\w./:@-]{0,254}$/, "is no name of an image"), "the image to start from"),
    ...sizes,
    network: optional(
      z.enum(["open", "list", "none"]),
      "what a sandbox reaches: everything, `allow_hosts`, or nothing but this repository",
    ),
    allow_hosts: listOf(Host, "hosts that a sandbox may reach, such as registry.example.org"),
    secrets: listOf(SecretName, "names of the operator's secrets that a sandbox gets"),
  }),
  (sandbox, complain) => {
    if (sandbox.allow_hosts.length > 0 && sandbox.network !== "list")
      complain(["allow_hosts"], 'hosts count with `network = "list"` alone. Add that line, or remove the hosts.');
    waitsForAList(sandbox, complain);
  },
).prefault({});

const Agent = together(
  z.strictObject({
    model: optional(Model, "the agent's model where the person names none"),
    models: listOf(Model, "models that may be used; empty for all that the operator allows"),
  }),
  ({ model, models }, complain) => {
    if (model !== undefined && models.length > 0 && !models.includes(model))
      complain(["model"], "this model is not among `agent.models`. Add it there, or choose one of them.");
  },
).prefault({});

/** A prefix that git takes as the beginning of a branch's name. */
const BranchPrefix = z
  .string()
  .regex(
    /^(?!.*(?:\.\.|\.\/|\.lock\/))(?:[A-Za-z0-9][\w.-]{0,40}\/){1,3}$/,
    "is no such prefix. Write it like `parhelia/`.",
  );
const Reviewer = z
  .string()
  .regex(/^[\w-]{1,100}(?:\/[\w.-]{1,100})?$/, "is no login and no team. Write `dana` or `acme/reviewers`.");
const Workflow = z
  .string()
  .regex(
    /^[\w.-]{1,100}\.ya?ml$/,
    "is no file of a workflow. Write its name below .github/workflows, such as `ci.yml`.",
  );

const mostLabels = 100;
/** GitHub's limit for the name of a label. */
const LabelName = z.string().trim().min(1).max(50);

export const SettingsFile = together(
  z.strictObject({
    who: z
      .strictObject({
        agent: rule("an agent"),
        command: rule("a plain command"),
        gpu: rule("work on a GPU, beside the right to the work itself"),
      })
      .prefault({}),
    labels: z.record(LabelName, LabelTable).prefault({}),
    sandbox: Sandbox,
    agent: Agent,
    instructions: z
      .strictObject({
        claude_md: z.boolean().describe("whether the agent follows CLAUDE.md, in trusted code").default(false),
        claude_settings: z
          .boolean()
          .describe("whether settings, hooks and servers of .claude/ count, in trusted code")
          .default(false),
      })
      .prefault({}),
    publish: z
      .strictObject({
        draft: z.boolean().describe("whether pull requests are made as drafts").default(false),
        branch_prefix: BranchPrefix.describe("beginning of the branches' names").default("parhelia/"),
        reviewers: listOf(Reviewer, "who is asked to review: logins, or teams as acme/reviewers"),
        labels: listOf(LabelName, "labels of the pull requests"),
      })
      .prefault({}),
    budget: z
      .strictObject({
        task: optional(money, "what one task may cost at most"),
        repository_day: optional(money, "what this repository may spend in a day of UTC"),
        repository_month: optional(money, "what this repository may spend in a month of UTC"),
      })
      .prefault({}),
    approval: z
      .strictObject({ confirm_above: optional(money, "the cost from which a person has to confirm a task") })
      .prefault({}),
    failures: z
      .strictObject({
        workflows: z
          .array(Workflow)
          .max(50)
          .describe("workflows whose failures become an issue; none for an empty list")
          .default(["image-rebuild.yml", "e2e-modal.yml"]),
      })
      .prefault({}),
  }),
  ({ labels, budget, agent, publish }, complain) => {
    const names = Object.keys(labels).map((name) => name.toLowerCase());
    const starting = names.concat(Object.keys(shippedLabels));
    if (publish.labels.some((name) => starting.includes(name.toLowerCase())))
      complain(["publish", "labels"], "a label that starts work would start it on its own result. Choose another.");
    if (names.length > mostLabels) return complain(["labels"], `more than ${mostLabels} labels. Remove some.`);
    for (const [at, [name, label]] of Object.entries(labels).entries()) {
      if (names.indexOf(name.toLowerCase()) !== at)
        complain(["labels", name], "this label stands here twice, and case makes no difference. Remove one.");
      if (label.budget !== undefined && budget.task !== undefined && label.budget > budget.task)
        complain(["labels", name, "budget"], "this is above `budget.task`. Lower it, or raise that one.");
      if (label.model !== undefined && agent.models.length > 0 && !agent.models.includes(label.model))
        complain(
          ["labels", name, "model"],
          "this model is not among `agent.models`. Add it there, or choose one of them.",
        );
    }
  },
);
