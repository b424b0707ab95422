/**
 * Sandboxes on Modal. Those with a GPU may wait for a machine for a long time, and Modal's client waits with them: their
 * creation goes on in the background, and whoever asks meanwhile hears that they wait. What is under way is also in Modal's
 * own listing, where the next life of the service finds it.
 */
import { meteredPrice, publishedPrices } from "../../core/compute-prices.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { SandboxName } from "../../core/ids.ts";
import { after, dayMs, minuteMs, type Instant } from "../../core/instant.ts";
import { machineChoices } from "../../core/machine.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Sandbox, Sandboxes, SandboxSpec } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";
import { tokenRejected } from "./in-words.ts";
import { isRejected } from "./codes.ts";
import type { Created } from "./creation.ts";
import { openOwnBases, type OwnBasesOptions } from "./own-base.ts";
import { openModal, type Listed, type Modal, type ModalOptions } from "./modal-client.ts";
import { reachOf, type NetworkSettings } from "./reach.ts";
import { modalPerHour, refuseMisfits, type Billing } from "./refuse.ts";

export interface ModalSandboxesOptions extends ModalOptions, NetworkSettings, OwnBasesOptions, Billing {
  readonly clock: Clock;
  /** A creation that takes longer goes on in the background. Two seconds unless told. */
  readonly patienceMs?: number;
}

export interface ModalSandboxes extends Sandboxes {
  /** Sandboxes live on, and so does what waits for a machine. */
  close(): void;
}

/** A limit of Modal's; it cannot be extended. */
const longestLifetimeMs = dayMs;
/** A process has its time after SIGTERM; whoever asks for an end hears of one that takes longer. */
const endingMs = 2 * minuteMs;
const lookAgainMs = 250;

/** Throws a `Refusal` where Modal rejects the token; while Modal is away it opens all the same. */
export async function openModalSandboxes(options: ModalSandboxesOptions): Promise<ModalSandboxes> {
  const modal = openModal(options);
  await prove(modal, options);
  const { clock } = options;
  const creations = openCreations(modal, options);
  const bases = openOwnBases(options, (own) => modal.publishOn(own));
  const living = async (name?: string): Promise<Listed[]> => (await modal.list(name)).filter(isNamedByUs);

  const found = async (name: SandboxName): Promise<Sandbox | "waiting" | undefined> => {
    const [sandbox] = await living(name);
    if (sandbox === undefined) return undefined;
    return sandbox.isScheduled ? sandboxOf(sandbox) : "waiting";
  };

  const create = async (spec: SandboxSpec): Promise<Sandbox | "waiting" | "building"> => {
    check(spec);
    if (!creations.isUnderWay(spec.name)) {
      const there = await found(spec.name);
      if (there !== undefined) return there;
    }
    const askedAt = clock.now();
    const image = spec.image === undefined ? { name: options.image } : await bases.imageOn(spec.image);
    if (image === "building") return image;
    const created = await creations.create(spec, image.name);
    if (created === "waiting" || created === "no capacity" || created === "ended") return "waiting";
    const { gpu } = spec.resources;
    if (created !== "taken" && gpu === undefined) {
      return { name: spec.name, startedAt: askedAt, image: { ...image, id: created.imageId } };
    }
    const there = await found(spec.name);
    if (there === undefined) throw new Error(unlisted(spec.name));
    return there;
  };

  return {
    backend: "modal",
    gatewayAddress: options.gateway,
    proxyAddress: undefined,
    shortcomings: [],
    accept: refuseMisfits,
    pricePerHour: (resources) => modalPerHour(resources, options),
    create,
    async find(name) {
      const there = await found(name);
      // What was made a moment ago may not be in a listing yet, and must not be taken for lost.
      if (there === undefined && (await modal.idOf(name)) !== undefined) throw new Error(unlisted(name));
      return there === "waiting" ? undefined : there;
    },
    list: async () => (await living()).map(sandboxOf),
    async end(name) {
      for (const until = after(clock.now(), endingMs); ; await sleep(lookAgainMs)) {
        // Both, for one that is not listed yet.
        const [listed, id] = await Promise.all([living(name), modal.idOf(name)]);
        const ids = new Set([...listed.map((each) => each.id), ...(id === undefined ? [] : [id])]);
        if (ids.size === 0 && !creations.isUnderWay(name)) return;
        if (clock.now() >= until) throw new Error(`Modal still lists ${name}, which was to end.`);
        for (const each of ids) await modal.terminate(each);
      }
    },
    async metered(name, gpu) {
      const used = await modal.metered(name);
      return used && meteredPrice({ ...used, gpu }, options.regions, options.prices ?? publishedPrices);
    },
    close: () => modal.close(),
  };
}

async function prove(modal: Modal, { log }: ModalSandboxesOptions): Promise<void> {
  try {
    await modal.list();
  } catch (error) {
    if (!isRejected(error))
      return log.warn({ err: error }, "Modal cannot be reached now; it is asked again when needed");
    modal.close();
    throw tokenRejected(error);
  }
}

function check({ name, resources, lifetimeMs, command }: SandboxSpec): void {
  refuseMisfits(resources);
  if (!(lifetimeMs > 0 && lifetimeMs <= longestLifetimeMs)) {
    throw new Refusal(
      `A sandbox on Modal lives for 24 hours at most, and not for ${lifetimeMs} ms. Ask for less time.`,
    );
  }
  if (machineChoices(resources).length > 1) throw new Error(`${name} is asked for with several GPUs at once.`);
  if (command.length === 0) throw new Error(`${name} has no command.`);
}

const unlisted = (name: SandboxName): string => `${name} lives on Modal, which does not list it yet.`;

type Named = Listed & { readonly name: SandboxName };

/** Beside the tag: whatever else is in the app stays as it is. */
const isNamedByUs = (listed: Listed): listed is Named => SandboxName.safeParse(listed.name).success;

function sandboxOf(listed: Listed): Sandbox {
  const { image, imageId, gpu } = listed;
  return {
    name: SandboxName.parse(listed.name),
    startedAt: startOf(listed),
    ...(image === undefined ? {} : { image: { name: image, id: imageId } }),
    ...(gpu === undefined ? {} : { gpu }),
  };
}

/** Where Modal does not say yet when its machine came, it may have been as early as this. */
const startOf = ({ startedAt, createdAt }: Listed): Instant => startedAt ?? createdAt;

interface Creations {
  isUnderWay(name: SandboxName): boolean;
  create(spec: SandboxSpec, image: string): Promise<Created | "waiting">;
}

function openCreations(modal: Modal, options: ModalSandboxesOptions): Creations {
  const { patienceMs = 2000, log } = options;
  const underWay = new Map<SandboxName, Promise<Created>>();
  const begin = (spec: SandboxSpec, image: string): Promise<Created> => {
    const { name, command, env, resources, lifetimeMs } = spec;
    const creation = modal.create({
      name,
      command,
      env,
      resources,
      image,
      reach: reachOf(options, spec),
      secrets: spec.untrusted === undefined ? (spec.secrets ?? []) : [],
      folder: spec.task === undefined ? undefined : `tasks/${spec.task}`,
      lifetimeMs,
    });
    underWay.set(name, creation);
    const over = (): void => void underWay.delete(name);
    creation.then(over, (error: unknown) => {
      over();
      // Whoever asked may have been told that it waits, and asks again.
      log.warn({ sandbox: name, err: error }, "a creation on Modal failed");
    });
    return creation;
  };
  return {
    isUnderWay: (name) => underWay.has(name),
    async create(spec, image) {
      const creation = underWay.get(spec.name) ?? begin(spec, image);
      // Without a GPU the answer comes at once.
      if (spec.resources.gpu === undefined) return creation;
      const enough = new AbortController();
      const late = sleep(patienceMs, "waiting" as const, { signal: enough.signal }).catch(() => "waiting" as const);
      try {
        return await Promise.race([creation, late]);
      } finally {
        enough.abort();
      }
    },
  };
}
