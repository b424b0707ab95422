/** Which store a service keeps its state in, and the engine's claim to it. */
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import type { RawStore } from "./move.ts";
import { openRedisArchive } from "./redis/archive.ts";
import { openRedisStore } from "./redis/open-redis.ts";
import { openSqliteSource, openSqliteTarget } from "./sqlite/archive.ts";
import { lockEngine } from "./sqlite/engine-lock.ts";
import { openSqliteStore } from "./sqlite/open-sqlite.ts";

/** A file of this machine for one service, or a database that many replicas share. */
export type StorePlace =
  | { readonly kind: "sqlite"; readonly path: string }
  | { readonly kind: "redis"; readonly url: string; readonly token: string };

export interface ForEngine {
  readonly store: Store;
  /** Gives the engine's claim to the store back, after the store is closed. */
  release(): void;
}

/**
 * Undefined where another process has the engine of a file. Its lock proves that earlier engines are dead, so that no
 * lease of theirs is waited for longer than `leasesUntil`; replicas on Redis are told apart by their leases alone.
 */
export function openForEngine(
  place: StorePlace,
  { leasesUntil, replica }: { leasesUntil: Instant; replica: string },
): ForEngine | undefined {
  if (place.kind === "redis") return { store: openRedisStore({ ...place, replica }), release: () => undefined };
  const lock = lockEngine(place.path);
  if (lock === undefined) return undefined;
  return { store: openSqliteStore({ path: place.path, leasesUntil }), release: () => lock.release() };
}

/** Beside an engine or without one: a terminal reads, and makes small commits. */
export const openBeside = (place: StorePlace, replica: string): Store =>
  place.kind === "redis" ? openRedisStore({ ...place, replica }) : openSqliteStore({ path: place.path });

/** To export from. Throws a `Refusal` where there is no store. */
export const openSource = (place: StorePlace, now: () => Instant): RawStore =>
  place.kind === "redis" ? openRedisArchive({ ...place, now }) : openSqliteSource(place.path);

/** To import into. Throws a `Refusal` while an engine works on the file. */
export const openTarget = (place: StorePlace, now: () => Instant): RawStore =>
  place.kind === "redis" ? openRedisArchive({ ...place, now }) : openSqliteTarget(place.path);
