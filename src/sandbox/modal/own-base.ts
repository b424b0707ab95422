/** Images on a base of a repository's own: built once, and published under a name that says what they are made of. */
import { createHash } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { NotFoundError } from "modal";
import type { Log } from "../../core/ports/log.ts";
import { Refusal } from "../../core/refusal.ts";
import { buildLayers, type BuildGround } from "./build-layers.ts";
import { ownLayersOf, type Layer } from "./image-layers.ts";

export interface OwnBase {
  readonly base: string;
  readonly name: string;
  readonly layers: readonly Layer[];
}

/** Nothing is built where the name is there: another replica may have been sooner. */
export async function publishOn(ground: BuildGround, { base, name, layers }: OwnBase): Promise<void> {
  const { client } = ground;
  try {
    await client.images.fromName(name);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    const image = await buildLayers(ground, { base, layers, tell: () => undefined });
    await image.publish(name);
  }
}

/** Another base, another recipe of ours or another Claude Code is another image. */
function nameOf(base: string, layers: readonly Layer[]): string {
  const made = JSON.stringify([base, layers.map(({ commands }) => commands)]);
  return `parhelia-base:${createHash("sha256").update(made).digest("hex").slice(0, 40)}`;
}

export interface OwnBases {
  /** The published name, or "building". A build that failed is told to the first who asks, and begun anew for the next. */
  imageOn(base: string): Promise<{ readonly name: string } | "building">;
}

export interface OwnBasesOptions {
  /** The version that is put into them; no such image can be built where it is left out. */
  readonly claudeCode?: string;
  readonly patienceMs?: number;
  readonly log: Log;
}

export function openOwnBases(
  { claudeCode, patienceMs = 2000, log }: OwnBasesOptions,
  publish: (own: OwnBase) => Promise<void>,
): OwnBases {
  const builds = new Map<string, Promise<void>>();
  const begin = (own: OwnBase): Promise<void> => {
    const build = publish(own);
    builds.set(own.name, build);
    // Nobody may be asking when it fails.
    build.catch((error: unknown) =>
      log.warn({ base: own.base, image: own.name, err: error }, "an image was not built"),
    );
    return build;
  };
  return {
    async imageOn(base) {
      if (claudeCode === undefined) throw new Refusal("No image of a repository's own can be built here.");
      const layers = ownLayersOf(base, claudeCode);
      const name = nameOf(base, layers);
      const build = builds.get(name) ?? begin({ base, name, layers });
      const enough = new AbortController();
      const late = sleep(patienceMs, "building" as const, { signal: enough.signal }).catch(() => "building" as const);
      try {
        const done = await Promise.race([build, late]);
        if (done === "building") return "building";
        // What is published may be taken away, so it is looked for each time.
        builds.delete(name);
        return { name };
      } catch (error) {
        builds.delete(name);
        throw error;
      } finally {
        enough.abort();
      }
    },
  };
}
