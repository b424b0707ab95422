import type { SandboxName } from "../ids.ts";
import type { Instant } from "../instant.ts";

/** CPU in cores, memory in MiB, GPU as its type and count (`H100:2`). */
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
}

export interface Sandbox {
  readonly name: SandboxName;
  readonly startedAt: Instant;
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
  /** Throws a `Refusal` that names what this backend cannot give. */
  accept(resources: Resources): void;
  /** Idempotent by name: where the sandbox lives already, it is returned and nothing is started. */
  create(spec: SandboxSpec): Promise<Sandbox>;
  find(name: SandboxName): Promise<Sandbox | undefined>;
  /** All living sandboxes that bear our name; never another's. */
  list(): Promise<readonly Sandbox[]>;
  /** Resolves when no process of it is left; also when there was none. */
  end(name: SandboxName): Promise<void>;
}
