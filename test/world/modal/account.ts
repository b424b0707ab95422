/** All that one account holds, and nothing else does: the calls read and write it. */
import type { Capacity } from "./capacity.ts";
import type { Clock } from "./clock.ts";
import type { Faults } from "./faults.ts";
import { newId } from "./ids.ts";
import type { Image, LayerFault, Named, Secret, Volume } from "./records.ts";
import { notFound } from "./refuse.ts";
import type { Sandbox } from "./sandbox.ts";

export interface Options {
  /** Below it are the files of sandboxes and volumes; it goes with the stand-in. */
  readonly directory: string;
  readonly tokenId: string;
  readonly tokenSecret: string;
  /** How long a token of the control plane or of a router is good. */
  readonly tokenLifeS: number;
  /** How much of a V2 sandbox's output is kept. */
  readonly keepBytes: number;
  /** Sandboxes in one page of a list. */
  readonly pageSize: number;
  /** The client says so in its own words, "(both v1 and v2)"; no account has confirmed it. */
  readonly isV1InListV2: boolean;
  /** How long a new sandbox is missing in lists. */
  readonly listLagMs: number;
  /** How often what sandboxes write to volumes is committed while they run; at their end it is in any case. */
  readonly commitMs: number;
  /** From SIGTERM to SIGKILL. */
  readonly graceMs: number;
  /** How long a layer is built that was not built before. */
  readonly buildMs: number;
  /** Sandboxes at one time, and cards (modal.md §4: "Starter 100 containers, 10 GPUs"). */
  readonly containers: number;
  readonly gpus: number;
  /** The agent that `claude` is in an image that has it; without it, only its version can be asked. */
  readonly claude: string | undefined;
  /** Where there is bubblewrap, a sandbox has the paths of production. */
  readonly bwrap: string | undefined;
}

export interface Account {
  /** May change while it runs. */
  options: Options;
  /** Where the control plane answers, `127.0.0.1:PORT`. */
  address: string;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly capacity: Capacity;
  readonly tokens: Map<string, string>;
  /** Those of the control plane and of routers that are good, with the second they end in. */
  readonly sessions: Map<string, number>;
  readonly environments: Map<string, string>;
  readonly apps: Map<string, Named>;
  readonly secrets: Map<string, Secret>;
  readonly volumes: Map<string, Volume>;
  readonly images: Map<string, Image>;
  /** `environment/name:tag` → image. */
  readonly published: Map<string, string>;
  layerFaults: LayerFault[];
  readonly sandboxes: Map<string, Sandbox>;
  /** The names of all calls, in order. */
  readonly calls: string[];
}

/** The environment that is meant where none is named. */
export const mainEnvironment = "main";

/** Throws NOT_FOUND for one that nobody made. */
export function environmentOf(account: Account, name: string | undefined): string {
  const meant = name === undefined || name === "" ? mainEnvironment : name;
  if (!account.environments.has(meant)) throw notFound(`Environment '${meant}' not found.`);
  return meant;
}

export function openAccount(
  options: Options,
  parts: { readonly clock: Clock; readonly faults: Faults; readonly capacity: Capacity },
): Account {
  return {
    options,
    address: "",
    ...parts,
    tokens: new Map([[options.tokenId, options.tokenSecret]]),
    sessions: new Map(),
    environments: new Map([[mainEnvironment, newId("en")]]),
    apps: new Map(),
    secrets: new Map(),
    volumes: new Map(),
    images: new Map(),
    published: new Map(),
    layerFaults: [],
    sandboxes: new Map(),
    calls: [],
  };
}

export const findNamed = <T extends Named>(all: ReadonlyMap<string, T>, environment: string, name: string) =>
  [...all.values()].find((one) => one.environment === environment && one.name === name);

/** Throws NOT_FOUND, also for one of the other backend: each has calls of its own. */
export function sandboxOf(account: Account, id: string | undefined, version?: 1 | 2): Sandbox {
  const found = account.sandboxes.get(id ?? "");
  if (found === undefined || (version ?? found.ask.version) !== found.ask.version) {
    throw notFound(`Sandbox ${id} not found`);
  }
  return found;
}
