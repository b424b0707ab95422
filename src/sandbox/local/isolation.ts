/** What the two ways of running a sandbox on this machine have in common, for `openLocalSandboxes`. */
import type { SandboxName } from "../../core/ids.ts";
import type { Instant } from "../../core/instant.ts";
import type { Resources, Sandbox, SandboxSpec } from "../../core/ports/sandboxes.ts";
import type { Door, OpenDoor } from "./doors.ts";

export interface Isolation {
  readonly gatewayAddress: string;
  readonly proxyAddress: string;
  readonly shortcomings: readonly string[];
  /** Starts and ends a sandbox. Throws what hinders it. */
  prove(now: Instant): Promise<void>;
  accept(resources: Resources): void;
  /** Resolves when the command is about to run. Called for a name that does not live, never twice at a time. */
  start(spec: SandboxSpec, startedAt: Instant): Promise<void>;
  living(): Sandbox[];
  /** Resolves when no process and no file of it is left; also when there was none. */
  end(name: SandboxName): Promise<void>;
  /** Opens the doors of the sandboxes that live, and from now on of each new one before it starts. */
  serve(open: OpenDoor): Promise<Door>;
  /** The replica that made it; undefined where it does not live. */
  makerOf(name: SandboxName): number | undefined;
  /** Opens the doors of what a dead replica made. After `serve`, whose `close` closes these as well. */
  adopt(replica: number): Promise<Door>;
}
