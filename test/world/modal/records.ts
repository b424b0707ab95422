/** What an account remembers of the things in it. */
import type { Gpu } from "./gpus.ts";
import type { Contents } from "./layers.ts";

export interface Named {
  readonly id: string;
  readonly name: string;
  readonly environment: string;
}

export interface Secret extends Named {
  readonly values: Readonly<Record<string, string>>;
}

export interface Volume extends Named {
  readonly version: 1 | 2;
  readonly directory: string;
}

export interface Image {
  readonly id: string;
  /** Of the layers from the first on: two images with the same one hold the same. */
  readonly digest: string;
  readonly base: string | undefined;
  readonly commands: readonly string[];
  readonly contents: Contents;
  readonly failure: { readonly status: number; readonly exception: string } | undefined;
  /** It is being built until then. */
  readonly readyAt: number;
}

export interface LayerFault {
  /** In one of the layer's commands. */
  readonly text: string;
  readonly status: number;
  readonly exception: string;
}

export interface Mount {
  readonly volumeId: string;
  /** The path inside. */
  readonly at: string;
  readonly readOnly: boolean;
  readonly subPath: string | undefined;
}

export type Network =
  | { readonly kind: "open" | "blocked" }
  | { readonly kind: "list"; readonly cidrs: readonly string[]; readonly domains: readonly string[] };

export interface Ask {
  readonly version: 1 | 2;
  readonly appId: string;
  readonly name: string | undefined;
  readonly imageId: string;
  readonly command: readonly string[];
  readonly workdir: string | undefined;
  readonly lifetimeMs: number;
  readonly idleMs: number | undefined;
  readonly cpu: number;
  readonly memoryMiB: number;
  /** Beyond it the sandbox is killed; without one it may use what the machine has. */
  readonly memoryLimitMiB: number | undefined;
  readonly gpu: Gpu | undefined;
  readonly mounts: readonly Mount[];
  /** Of the named secrets and of the request, in the order given. */
  readonly env: Readonly<Record<string, string>>;
  readonly network: Network;
  readonly regions: readonly string[];
  readonly tags: Readonly<Record<string, string>>;
}
