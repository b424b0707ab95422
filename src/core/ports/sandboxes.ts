import type { SandboxName, TaskId } from "../ids.ts";
import type { Instant } from "../instant.ts";
import type { MicroUsd } from "../money.ts";
import type { Network } from "../network.ts";

/** CPU in cores, memory in MiB, GPU as its type and count (`H100:2`); where it is asked for, several of which any will do. */
export interface Resources {
  readonly cpu: number;
  readonly memoryMiB: number;
  readonly gpu?: string | undefined;
}

export interface SandboxSpec {
  readonly name: SandboxName;
  /** argv; `node` stands for the Node.js that the backend brings. Never through a shell. */
  readonly command: readonly string[];
  /** The whole environment of the command, beside PATH and HOME, which the backend sets. Not visible from outside. */
  readonly env: Readonly<Record<string, string>>;
  readonly resources: Resources;
  /** The backend itself ends the sandbox after this time, whatever becomes of the service. */
  readonly lifetimeMs: number;
  /** Set where its text or code comes from someone without write access: its network is a list of hosts, never open. */
  readonly untrusted?: true;
  /** What the repository's settings leave of the network that the operator gives; all of that where it is left out. */
  readonly network?: Network | undefined;
  /**
   * Names of secrets of the operator's: their values are in the environment of the command, and pass through nothing of
   * ours. None where it is untrusted. A `Refusal` where the backend has none of that name.
   */
  readonly secrets?: readonly string[] | undefined;
  /**
   * A base of the repository's own, in a registry: what is ours goes on top of it. A `Refusal` where the backend has no
   * images, or this one cannot be built.
   */
  readonly image?: string | undefined;
  /**
   * Where the backend keeps files that outlive a sandbox, it sees those of this task, to read and to write, and no other's;
   * none where it is left out.
   */
  readonly task?: TaskId | undefined;
}

export interface Sandbox {
  readonly name: SandboxName;
  /** From when the backend bills it. */
  readonly startedAt: Instant;
  /** What it was made from, where the backend has images: the published name, and the id that this was then. */
  readonly image?: { readonly name: string; readonly id: string };
  /** The GPU that it was made with, as it was asked for. */
  readonly gpu?: string;
}

/** Where work runs. Every failure is thrown; a failed listing is a failure, never an empty list. */
export interface Sandboxes {
  readonly backend: "local" | "modal";
  /** How a sandbox reaches the gateway: `unix:<path inside the sandbox>` or an http(s) address. */
  readonly gatewayAddress: string;
  /** How a sandbox reaches the network beside it: `unix:<path>` of an HTTP proxy, or undefined where it has its own way out. */
  readonly proxyAddress: string | undefined;
  /** What this backend cannot hold a sandbox to, one plain sentence each; empty where nothing is missing. */
  readonly shortcomings: readonly string[];
  /** Throws a `Refusal` that names what this backend cannot give; of several GPUs, of which any will do, if it lacks one. */
  accept(resources: Resources): void;
  /** What a sandbox with these costs for an hour; with the dearest of several GPUs. */
  pricePerHour(resources: Resources): MicroUsd;
  /**
   * Idempotent by name: where the sandbox lives already, it is returned and nothing is started. "waiting": no machine is
   * free yet and nothing is billed; ask again with the same spec, or `end` it. "building": likewise for its image.
   */
  create(spec: SandboxSpec): Promise<Sandbox | "waiting" | "building">;
  /** Undefined where there is none, where it has ended, however it did, and where it waits for a machine. */
  find(name: SandboxName): Promise<Sandbox | undefined>;
  /** All living sandboxes that bear our name, with those that wait for a machine; never another's. */
  list(): Promise<readonly Sandbox[]>;
  /** Resolves when no process of it is left; also when there was none, or it waited for a machine. */
  end(name: SandboxName): Promise<void>;
  /**
   * What the backend's own meter says that a sandbox of this name used, in money by the same prices; `gpu` is what it was made
   * with. Undefined where there is no such meter, or it says nothing.
   */
  metered(name: SandboxName, gpu: string | undefined): Promise<MicroUsd | undefined>;
}
