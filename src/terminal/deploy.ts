/**
 * `parhelia deploy`: all that tasks on Modal need, step by step, each made where it is missing. Run again, it goes on where it
 * stopped; what was there stays as it is.
 */
import { weeklyTag, type ImageTag } from "../core/image.ts";
import { inlineCode } from "../core/markdown.ts";
import type { Health } from "../core/health.ts";
import { secretCommand } from "../core/modal-secret.ts";
import type { Volumes } from "../core/ports/volumes.ts";
import { Refusal } from "../core/refusal.ts";
import { volumeDirectories } from "../core/volume.ts";
import { imageCommand, type ImageWorld } from "./image.ts";

export type Step =
  | { readonly name: string; readonly outcome: "done" | "there"; readonly found: string }
  | { readonly name: string; readonly outcome: "failed"; readonly found: string; readonly cure: string };

export interface Deployed {
  readonly steps: readonly Step[];
  readonly isDone: boolean;
}

export interface DeployWorld {
  readonly app: string;
  /** Makes Modal's app where it is missing. */
  makeApp(): Promise<"made" | "there">;
  readonly images: ImageWorld;
  readonly volume: string;
  readonly volumes: Pick<Volumes, "init">;
  /** Names of Modal's secrets that repositories may have, with what the operator wrote of each. */
  readonly secrets: readonly { readonly name: string; readonly given: string }[];
  hasSecret(name: string): Promise<boolean>;
  health(): Promise<Health>;
  /** Hears of each step when it is over. */
  tell(step: Step): void;
}

type Work = () => Promise<readonly Step[]>;

/** What a step needs stands before it, so the first that fails is the last, but for what only stands beside the others. */
export async function deploy(world: DeployWorld, tag: ImageTag | undefined): Promise<Deployed> {
  const steps: Step[] = [];
  const take = async (name: string, work: Work): Promise<boolean> => {
    const done = await orFailed(name, work);
    for (const step of done) {
      steps.push(step);
      world.tell(step);
    }
    return done.every(({ outcome }) => outcome !== "failed");
  };
  const isReady =
    (await take("app", () => app(world))) &&
    (await take("image", () => image(world, tag))) &&
    (await take("volume", () => volume(world)));
  if (isReady) {
    await take("secrets", () => secrets(world));
    await take("health", () => health(world));
  }
  return { steps, isDone: steps.every(({ outcome }) => outcome !== "failed") };
}

async function orFailed(name: string, work: Work): Promise<readonly Step[]> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    const [found = "", ...cure] = error.message.split("\n");
    return [{ name, outcome: "failed", found, cure: cure.join(" ") || "Mend that, and run parhelia deploy again." }];
  }
}

async function app({ app: name, makeApp }: DeployWorld): Promise<Step[]> {
  const was = await makeApp();
  return [{ name: "app", outcome: was === "made" ? "done" : "there", found: name }];
}

async function image({ images: world }: DeployWorld, asked: ImageTag | undefined): Promise<Step[]> {
  const published = `${world.live.name}:${world.live.tag}`;
  const live = await world.images.idOf(published);
  if (live !== undefined && asked === undefined)
    return [{ name: "image", outcome: "there", found: `${published} (${live})` }];
  const tag = asked ?? weeklyTag(world.clock.now());
  const tagged = await world.images.idOf(`${world.live.name}:${tag}`);
  if (tagged !== undefined && tagged === live)
    return [{ name: "image", outcome: "there", found: `${tag} is ${published} (${live})` }];
  const quiet = { ...world, say: () => undefined };
  if (tagged === undefined) await imageCommand({ kind: "build", tag, replaces: "nothing" }, quiet);
  await imageCommand({ kind: "promote", tag }, quiet);
  const built = tagged === undefined ? "built, tried and made" : "made";
  return [{ name: "image", outcome: "done", found: `${tag} was ${built} ${published}` }];
}

async function volume({ volume: name, volumes }: DeployWorld): Promise<Step[]> {
  const created = await volumes.init(volumeDirectories);
  if (created.length === 0) return [{ name: "volume", outcome: "there", found: name }];
  return [{ name: "volume", outcome: "done", found: `${name}: made ${created.join(", ")}` }];
}

async function secrets({ secrets: wanted, hasSecret, images: { environment } }: DeployWorld): Promise<Step[]> {
  if (wanted.length === 0) return [{ name: "secrets", outcome: "there", found: "no repository is given any" }];
  const found = await Promise.all(wanted.map(async (each) => ({ ...each, isThere: await hasSecret(each.name) })));
  return found.map(({ name, given, isThere }) =>
    isThere
      ? { name: `secret ${name}`, outcome: "there", found: given }
      : {
          name: `secret ${name}`,
          outcome: "failed",
          found: `Modal has none of this name, and modal.secrets gives it away (${inlineCode(given)})`,
          cure: secretCommand(name, environment),
        },
  );
}

async function health({ health: look }: DeployWorld): Promise<Step[]> {
  const { checks, isOk } = await look();
  if (isOk) return [{ name: "health", outcome: "done", found: "tasks have all that they need" }];
  return checks.flatMap((check) =>
    check.outcome === "failed"
      ? [{ name: `health, ${check.name}`, outcome: "failed" as const, found: check.found, cure: check.cure }]
      : [],
  );
}
