/**
 * What a repository's settings make of what somebody asked for: who may, what is filled in where nothing was said, and what
 * is too much. Pure; the asker's role is looked up before. The settings may narrow what the operator allows and never widen it.
 */
import { inlineCode } from "../markdown.ts";
import { dollars, lowerBound, type MicroUsd } from "../money.ts";
import { beyond, isWider, type Network } from "../network.ts";
import { withoutReleaseDate } from "../pricing.ts";
import { Refusal } from "../refusal.ts";
import { notPermitted, permits, type Role } from "../role.ts";
import type { Named, Spec, Task, Work } from "../task.ts";
import { settingsPath } from "./schema.ts";
import type { Settings } from "./settings.ts";

export interface Ask {
  readonly spec: Spec;
  /** What was said in so many words, by the person or the label; all else in the spec is the operator's default. */
  readonly named: ReadonlySet<Named>;
  readonly by: { readonly id: number; readonly role: Role; readonly kind: "person" | "bot" };
  /** `acme/widgets`. */
  readonly where: string;
}

export interface Operator {
  /** Models that may be used. */
  readonly models: readonly string[];
  /** What a sandbox may reach at most. */
  readonly network: Network;
  /** Secrets that repositories may have, as `owner/name:SECRET`; undefined where the backend has none. */
  readonly secrets: readonly string[] | undefined;
}

/** The spec to run, or why not, for the person to read. */
export function applied(ask: Ask, settings: Settings, operator: Operator): Spec | Refusal {
  const resources = resourcesOf(ask, settings);
  const work = workOf(ask, settings, operator);
  if (work instanceof Refusal) return work;
  const budget = budgetOf(ask, settings);
  if (budget instanceof Refusal) return budget;
  const network = networkOf(settings, operator.network);
  if (network instanceof Refusal) return network;
  const secrets = secretsOf(ask, settings, operator);
  if (secrets instanceof Refusal) return secrets;
  const timeoutMs = ask.named.has("timeout") ? ask.spec.timeoutMs : (settings.sandbox.timeout ?? ask.spec.timeoutMs);
  const maxWaitMs = ask.named.has("max_wait") ? ask.spec.maxWaitMs : settings.sandbox.max_wait;
  const spec: Spec = {
    ...ask.spec,
    work,
    budget,
    timeoutMs,
    resources,
    maxWaitMs,
    network,
    secrets,
    image: settings.sandbox.image,
  };
  return whyNot(ask, spec, settings) ?? spec;
}

function resourcesOf({ spec, named }: Ask, { sandbox }: Settings): Spec["resources"] {
  const { cpu, memoryMiB, gpu } = spec.resources;
  const first = named.has("gpu") ? gpu : (gpu ?? sandbox.gpu?.join(","));
  return {
    cpu: named.has("cpu") ? cpu : (sandbox.cpu ?? cpu),
    memoryMiB: named.has("memory") ? memoryMiB : (sandbox.memory ?? memoryMiB),
    ...(first === undefined ? {} : { gpu: first }),
  };
}

function workOf({ spec, named }: Ask, { agent }: Settings, operator: Operator): Work | Refusal {
  const { work } = spec;
  if (work.kind === "command") return work;
  const allowed =
    agent.models.length === 0 ? operator.models : agent.models.filter((each) => isIn(operator.models, each));
  const mayUse = (name: string | null): boolean => name !== null && isIn(allowed, name);
  if (named.has("model")) return mayUse(work.model) ? work : modelRefused(work.model, allowed);
  const wanted = agent.model ?? work.model;
  if (mayUse(wanted) || (wanted === null && agent.models.length === 0)) return { ...work, model: wanted };
  if (agent.models.length === 0) return modelRefused(wanted, allowed);
  // Left to itself, the agent would choose one that need not be among those of the repository.
  const [first] = allowed;
  if (first !== undefined) return { ...work, model: first };
  return new Refusal(
    `None of the models that \`agent.models\` in \`${settingsPath}\` names may be used with this service. Its operator allows ${listed(operator.models)}.`,
  );
}

/** The agent also takes the name of a family (`opus`) for its newest model; which one that is, the gateway sees and checks. */
const isIn = (models: readonly string[], model: string): boolean =>
  models.some((each) => withoutReleaseDate(each) === withoutReleaseDate(model) || each.startsWith(`claude-${model}-`));

const modelRefused = (model: string | null, allowed: readonly string[]): Refusal =>
  new Refusal(`The model ${inlineCode(model ?? "")} may not be used here. You can ask for ${listed(allowed)}.`);

const listed = (names: readonly string[]): string => names.map(inlineCode).join(", ") || "none";

function budgetOf({ spec, named }: Ask, { budget }: Settings): MicroUsd | Refusal {
  if (budget.task === undefined || spec.budget <= budget.task) return spec.budget;
  if (!named.has("budget")) return budget.task;
  return new Refusal(
    `A task may cost at most ${dollars(budget.task)} here (\`budget.task\` in \`${settingsPath}\`), and you asked for ${dollars(spec.budget)}. Ask for less.`,
  );
}

/** A host that is silently missing would break the work somewhere in its middle, so what is asked for and not given is refused. */
function networkOf({ sandbox }: Settings, given: Network): Network | Refusal {
  if (sandbox.network === undefined) return given;
  // Where it is open, the operator's list is what untrusted code gets.
  const hosts = sandbox.network === "open" ? given.hosts : sandbox.allow_hosts;
  const asked: Network = { reaches: sandbox.network, hosts: sandbox.network === "none" ? [] : hosts };
  const key = `\`sandbox.network\` in \`${settingsPath}\``;
  if (isWider(asked, given)) {
    const most = given.reaches === "none" ? "the service alone" : "GitHub and a list of hosts";
    return new Refusal(
      `${key} is \`"${asked.reaches}"\`, and the operator of this Parhelia lets sandboxes reach ${most}. Write \`"${given.reaches}"\`, or ask the operator for more.`,
    );
  }
  const refused = beyond(asked, given);
  if (refused.length === 0) return asked;
  return new Refusal(
    `\`sandbox.allow_hosts\` in \`${settingsPath}\` names hosts that the operator of this Parhelia does not allow: ${listed(refused)}. Remove them, or ask the operator to add them to \`sandbox.allow_hosts\` of the service.`,
  );
}

function secretsOf({ where }: Ask, { sandbox }: Settings, operator: Operator): string[] | Refusal | undefined {
  if (sandbox.secrets.length === 0) return undefined;
  const key = `\`sandbox.secrets\` in \`${settingsPath}\``;
  if (operator.secrets === undefined) {
    return new Refusal(
      `${key} names secrets, and they need Modal: this Parhelia runs its work on its own machine. Remove the key, or ask the operator for \`sandbox.backend = "modal"\`.`,
    );
  }
  // GitHub does not tell repositories apart by case.
  const given = operator.secrets.map(asGiven);
  const refused = sandbox.secrets.filter((name) => !given.includes(asGiven(`${where}:${name}`)));
  if (refused.length === 0) return [...new Set(sandbox.secrets)];
  return new Refusal(
    `${key} names ${listed(refused)}, and the operator of this Parhelia does not give that to this repository. Remove it, or ask the operator to add ${listed(refused.map((name) => `${where}:${name}`))} to \`modal.secrets\`.`,
  );
}

function asGiven(text: string): string {
  const [repository = "", name = ""] = text.split(":");
  return `${repository.toLowerCase()}:${name}`;
}

/** Work on a GPU takes two rights: that to the work, and that to the GPU. */
const rulesFor = ({ work, resources }: Spec) =>
  [work.kind, ...(resources.gpu === undefined ? [] : (["gpu"] as const))] as const;

/** Whether the settings let this bot start it. */
export const isListedBot = (id: number, spec: Spec, { who }: Settings): boolean =>
  rulesFor(spec).every((name) => who[name].bots.includes(id));

function whyNot({ by, where }: Ask, spec: Spec, { who }: Settings): Refusal | undefined {
  const broken = rulesFor(spec).find((name) => {
    const rule = who[name];
    if (by.kind === "bot") return !rule.bots.includes(by.id);
    return !rule.users.includes(by.id) && !permits(by.role, rule.role);
  });
  if (broken === undefined) return undefined;
  const rule = `\`who.${broken}\` in \`${settingsPath}\``;
  if (by.kind === "bot") return new Refusal(`This bot is not on the list of ${rule}.`);
  const what = broken === "gpu" ? "run --gpu" : "run";
  return new Refusal(
    `${notPermitted({ what, needs: who[broken].role, held: by.role, where })}\n\nThat is set by ${rule}.`,
  );
}

/** What it lowers of the operator's ceilings for a repository. */
export const loweredBy = ({ budget }: Settings): NonNullable<Task["lowered"]> => ({
  ...(budget.repository_day === undefined ? {} : { day: budget.repository_day }),
  ...(budget.repository_month === undefined ? {} : { month: budget.repository_month }),
});

/** The cost from which a person has to confirm; undefined where nobody asks for that. */
export const confirmAbove = (settings: Settings, operator: MicroUsd | undefined): MicroUsd | undefined =>
  lowerBound(operator, settings.approval.confirm_above);
