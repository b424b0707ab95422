/** One thing that is tried on the account, and what it has to work with. */
import type { Sight } from "../../core/health.ts";
import type { SandboxName } from "../../core/ids.ts";
import type { Instant } from "../../core/instant.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Images } from "../../core/ports/images.ts";
import type { Hands, HandSpec, ModalHand } from "../../sandbox/modal/by-hand.ts";
import type { ModalSandboxes } from "../../sandbox/modal/open-modal-sandboxes.ts";
import type { NetworkSettings } from "../../sandbox/modal/reach.ts";
import type { Fact, Level } from "./facts.ts";

/** Addresses that sandboxes try to reach; the second must answer wherever the network is open. */
export interface Places {
  readonly listed: string;
  readonly other: string;
}

export interface Ground {
  /** Eight characters that name all that this run makes. */
  readonly run: string;
  /** Name and tag that the image is published by. */
  readonly image: string;
  readonly claudeCode: string;
  readonly runner: { readonly code: Uint8Array; readonly sha256: string };
  readonly places: Places;
  readonly clock: Clock;
  /** Aborted when the time of the whole run is up. */
  readonly signal: AbortSignal;
  readonly images: Images;
  readonly hands: Hands;
  /** As the service has them, over the image of this run. */
  readonly sandboxes: ModalSandboxes;
  /** What `parhelia health` sees from a sandbox of the image, with a volume that nobody made. */
  look(): Promise<Sight["seen"]>;
  tell(line: string): void;
  /** The image of this run was built; it is deleted at its end. */
  built(imageId: string): void;
  /** Of what was built. */
  imageId(): string;
  /** A name that no sandbox of this run has yet. */
  nextName(): SandboxName;
  /** What `use` does is counted as the time of one sandbox with these, from now or from when it was billed. */
  metered<T>(resources: Resources, use: () => Promise<T>, from?: Instant): Promise<T>;
  /** Counted, and ended in any case. */
  byHand<T>(spec: Asked, use: (sandbox: ModalHand) => Promise<T>): Promise<T>;
}

/** The network is the gateway alone unless it says something else. */
export interface Asked extends Partial<Pick<HandSpec, "volumes" | "secret">> {
  readonly network?: Pick<NetworkSettings, "network" | "hosts">;
}

export interface Step {
  readonly name: string;
  readonly level: Level;
  readonly confirms: readonly Fact[];
  /** What its sandboxes are, and how long they live altogether, as far as is known: for the estimate. */
  readonly likely: { readonly resources: Resources; readonly seconds: number };
  /** Throws, in words, where it is not so. Answers what else is worth knowing. */
  run(ground: Ground): Promise<string | undefined>;
}

/** Of every sandbox that needs no more. */
export const small: Resources = { cpu: 0.5, memoryMiB: 1024 };

/** Throws where it does not hold. */
export function expectThat(holds: boolean, words: string): void {
  if (!holds) throw new Error(words);
}
