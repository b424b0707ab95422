/** The local backend: sandboxes on the machine of the service, for those who have no account elsewhere. */
import { Refusal } from "../../core/refusal.ts";
import { existsSync, mkdirSync, realpathSync } from "node:fs";
import { isAbsolute } from "node:path";
import type { SandboxName } from "../../core/ids.ts";
import { noMoney, type MicroUsd } from "../../core/money.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Sandbox, Sandboxes, SandboxSpec } from "../../core/ports/sandboxes.ts";
import { openAdoption, type TakeNumber } from "./adoption.ts";
import { openBare } from "./bare.ts";
import { openBubblewrap } from "./bubblewrap.ts";
import type { Door, OpenDoor } from "./doors.ts";
import type { Isolation } from "./isolation.ts";
import { type LocalLimits, thisMachine, withDefaults } from "./limits.ts";
import { replicasAtMost } from "./slots.ts";

export interface LocalSandboxesOptions {
  /** `none` runs tasks as plain processes of the service's user; `shortcomings` says what that means. */
  readonly isolation: "bubblewrap" | "none";
  /**
   * For the sockets that `serve` opens; made where it is missing, with mode 0711. Put it into a private directory: the
   * sandboxes reach what is theirs nevertheless.
   */
  readonly socketDirectory: string;
  /** A private directory of this service; its path tells this service's sandboxes from another's. */
  readonly stateDirectory: string;
  /** The Node.js 24 binary that `node` in a command stands for. */
  readonly node: string;
  /** Absolute paths of the machine that a sandbox sees at the same path, read-only. */
  readonly readOnly: readonly string[];
  /** Sandboxes at one time; `create` throws above it. */
  readonly slots: number;
  /**
   * From 0; no other process that lives has the same one for this `stateDirectory`. All replicas list and end all
   * sandboxes there; the doors are open of those that were made under this number. 0 unless given.
   */
  readonly replica?: number;
  /** For the doors of replicas that died; unless given they stay closed. */
  readonly takeNumber?: TakeNumber;
  /** What an hour of a sandbox costs the operator; nothing unless given. */
  readonly microUsdPerHour?: MicroUsd;
  readonly clock: Clock;
  readonly limits: Partial<LocalLimits>;
}

export interface LocalSandboxes extends Sandboxes {
  /** This machine is there: nothing waits for it. */
  create(spec: SandboxSpec): Promise<Sandbox>;
  /**
   * From now on the sandboxes can reach the service, each by sockets of its own; those of an earlier service with the
   * same number get theirs at once, those of a dead replica when one of them is asked for with `find`. Call it once, before the first `create`. `close` of the answer closes all doors; the sandboxes live on.
   */
  serve(open: OpenDoor): Promise<Door>;
}

function checkPaths({ node, readOnly, socketDirectory, stateDirectory }: LocalSandboxesOptions): void {
  for (const path of [node, ...readOnly, socketDirectory, stateDirectory]) {
    if (!isAbsolute(path)) throw new Error(`${path} must be an absolute path for the local sandboxes.`);
  }
  for (const path of [node, ...readOnly]) {
    if (!existsSync(path)) throw new Error(`${path} is to be shown in the local sandboxes, but does not exist.`);
  }
}

const noSecrets =
  "The local sandboxes have no secrets: those of `sandbox.secrets` are Modal's. Remove the key, or use Modal.";

const noImages =
  "The local sandboxes have no images: they use the programs of this machine. Leave `sandbox.image` out, or use Modal.";

function isolate(options: LocalSandboxesOptions): Isolation {
  const { isolation, slots, replica = 0 } = options;
  if (process.getuid === undefined || !existsSync("/proc/self/stat")) {
    throw new Refusal("The local sandboxes need Linux: run the service there, or use Modal.");
  }
  if (replica >= replicasAtMost) {
    throw new Refusal(`At most ${replicasAtMost} services on one machine can share a root with local sandboxes.`);
  }
  checkPaths(options);
  mkdirSync(options.socketDirectory, { recursive: true, mode: 0o711 });
  mkdirSync(options.stateDirectory, { recursive: true, mode: 0o700 });
  const machine = thisMachine();
  const ground = {
    slots,
    replica,
    machine,
    uid: process.getuid(),
    pid: process.pid,
    limits: withDefaults(options.limits, machine),
    readOnly: options.readOnly,
    node: realpathSync(options.node),
    socketDirectory: realpathSync(options.socketDirectory),
    stateDirectory: realpathSync(options.stateDirectory),
  };
  return isolation === "none" ? openBare(ground) : openBubblewrap(ground);
}

async function prove(isolated: Isolation, { isolation, clock }: LocalSandboxesOptions): Promise<void> {
  try {
    await isolated.prove(clock.now());
  } catch (cause) {
    const cure =
      isolation === "bubblewrap"
        ? ' Make sure that bubblewrap is whole (apt-get install bubblewrap) and that user namespaces are allowed (sysctl user.max_user_namespaces, kernel.unprivileged_userns_clone, kernel.apparmor_restrict_unprivileged_userns), or set isolation = "none" to run tasks without any isolation.'
        : "";
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Refusal(`The local backend cannot run a sandbox (${isolation}). ${why}.${cure}`, { cause });
  }
}

/**
 * Starts one sandbox to prove that it can. Throws a `Refusal` that names the cure where it cannot.
 * Sandboxes of an earlier service with the same `stateDirectory` are found again.
 */
export async function openLocalSandboxes(options: LocalSandboxesOptions): Promise<LocalSandboxes> {
  const isolated = isolate(options);
  await prove(isolated, options);
  const { clock, replica = 0, takeNumber = () => undefined } = options;
  const adoption = openAdoption(isolated, { own: replica, take: takeNumber });
  const turns = new Map<SandboxName, Promise<unknown>>();

  /** One thing at a time for each name, so that a `create` beside a `create` or an `end` is one after the other. */
  const inTurn = async <Result>(name: SandboxName, act: () => Promise<Result>): Promise<Result> => {
    const before = turns.get(name) ?? Promise.resolve();
    const turn = before.then(act, act);
    turns.set(name, turn);
    try {
      return await turn;
    } finally {
      if (turns.get(name) === turn) turns.delete(name);
    }
  };
  const find = (name: SandboxName): Sandbox | undefined => isolated.living().find((living) => living.name === name);

  const create = async (spec: SandboxSpec): Promise<Sandbox> => {
    isolated.accept(spec.resources);
    if (!(spec.lifetimeMs > 0)) throw new Error(`${spec.name} has a lifetime of ${spec.lifetimeMs} ms.`);
    if ((spec.secrets ?? []).length > 0) throw new Refusal(noSecrets);
    if (spec.image !== undefined) throw new Refusal(noImages);
    if (spec.command.length === 0) throw new Error(`${spec.name} has no command.`);
    const living = find(spec.name);
    if (living !== undefined) return living;
    const startedAt = clock.now();
    await isolated.start(spec, startedAt);
    return { name: spec.name, startedAt };
  };

  return {
    backend: "local",
    gatewayAddress: isolated.gatewayAddress,
    proxyAddress: isolated.proxyAddress,
    shortcomings: isolated.shortcomings,
    accept: (resources) => isolated.accept(resources),
    pricePerHour: () => options.microUsdPerHour ?? noMoney,
    create: (spec) => inTurn(spec.name, () => create(spec)),
    metered: async () => undefined,
    async find(name) {
      // Asked after a silence, which may be that nobody listens to it.
      await adoption.adopt(name);
      return find(name);
    },
    async list() {
      await adoption.giveBack();
      return isolated.living();
    },
    end: (name) => inTurn(name, () => isolated.end(name)),
    async serve(open) {
      const door = await isolated.serve(open);
      return {
        async close() {
          await door.close();
          adoption.end();
        },
      };
    },
  };
}
