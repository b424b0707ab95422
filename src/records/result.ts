/** The result of an attempt: parts of its manifest, then the evidence that seals them. Kept apart from the task until it is published. */
import { z } from "zod";
import { taskOfAttempt, type AttemptId } from "../core/ids.ts";
import { after, dayMs, type Instant } from "../core/instant.ts";
import type { Document, Json, Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";
import type { AttemptResult, ManifestEntry } from "../core/protocol.ts";
import { kept, keys } from "./document.ts";
import { AttemptResultShape, ManifestEntryShape } from "../core/protocol-schema.ts";
import { hint, join } from "./task-put.ts";

/** A result that could not be published can be published again for so long. */
const partsKeptMs = 30 * dayMs;

const Sealed = z.object({ at: z.number(), result: AttemptResultShape });
const Part = z.object({ entries: z.array(ManifestEntryShape) });

export interface ResultPart {
  readonly attempt: AttemptId;
  /** From 1. */
  readonly number: number;
  readonly entries: readonly ManifestEntry[];
}

/** A part may be sent again; after the seal nothing changes any more. */
export async function keepPart(
  store: Store,
  part: ResultPart,
  at: { now: Instant; op: string },
): Promise<"kept" | "sealed"> {
  const value: Json = { entries: part.entries };
  const result = await store.commit({
    ...at,
    versions: [[keys.result(part.attempt), 0]],
    put: [{ key: keys.part(part.attempt, part.number), value, until: after(at.now, partsKeptMs) }],
  });
  return result.ok ? "kept" : "sealed";
}

/** The first seal counts; the task is looked at. */
export async function sealResult(
  store: Store,
  ask: { attempt: AttemptId; result: AttemptResult; now: Instant; op: string },
): Promise<void> {
  const value: Json = { at: ask.now, result: ask.result };
  await store.commit({
    op: ask.op,
    now: ask.now,
    ...join(
      { put: [{ key: keys.result(ask.attempt), value, ensure: true }] },
      hint(taskOfAttempt(ask.attempt), ask.now),
    ),
  });
}

/** Holds as long as the attempt has handed over no result. */
export const noResultYet = (attempt: AttemptId): readonly [key: string, version: number] => [keys.result(attempt), 0];

export const sealedIn = (document: Document | undefined): AttemptResult | undefined =>
  kept(Sealed, document)?.value.result;

export async function readResult(store: Store, now: Instant, attempt: AttemptId): Promise<AttemptResult | undefined> {
  const [document] = await store.look(now, [{ get: keys.result(attempt) }]);
  return sealedIn(document);
}

/** The changed files in order, one part in memory at a time. Throws a `Refusal` where the seal names a part that was never sent. */
export async function* readChanges(
  store: Store,
  ask: { now: Instant; attempt: AttemptId; parts: number },
): AsyncGenerator<ManifestEntry> {
  for (let number = 1; number <= ask.parts; number += 1) {
    const [document] = await store.look(ask.now, [{ get: keys.part(ask.attempt, number) }]);
    const part = kept(Part, document);
    // The sandbox seals what it has sent, so the service lost nothing and a later look would find no more.
    if (part === undefined) {
      throw new Refusal(
        `Part ${number} of the ${ask.parts} parts of the result is missing: the sandbox never sent it, or it was removed after 30 days. Nothing was published.`,
      );
    }
    yield* part.value.entries;
  }
}
