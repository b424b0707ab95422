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

/** When and how it is written. `version` is the attempt's as it is known: "changed" where it is another by now. */
export interface Handover {
  readonly now: Instant;
  readonly op: string;
  readonly version: number;
}

/** A part may be sent again; after the seal nothing changes any more. */
export async function keepPart(
  store: Store,
  part: ResultPart,
  { now, op, version }: Handover,
): Promise<"kept" | "sealed" | "changed"> {
  const value: Json = { entries: part.entries };
  const sealed = keys.result(part.attempt);
  const result = await store.commit({
    op,
    now,
    versions: [
      [keys.attempt(part.attempt), version],
      [sealed, 0],
    ],
    put: [{ key: keys.part(part.attempt, part.number), value, until: after(now, partsKeptMs) }],
  });
  if (result.ok) return "kept";
  return result.failed.some(({ name }) => name === sealed) ? "sealed" : "changed";
}

/** The first seal counts; the task is looked at. */
export async function sealResult(
  store: Store,
  ask: Handover & { attempt: AttemptId; result: AttemptResult },
): Promise<"sealed" | "changed"> {
  const value: Json = { at: ask.now, result: ask.result };
  const result = await store.commit({
    op: ask.op,
    now: ask.now,
    versions: [[keys.attempt(ask.attempt), ask.version]],
    ...join(
      { put: [{ key: keys.result(ask.attempt), value, ensure: true }] },
      hint(taskOfAttempt(ask.attempt), ask.now),
    ),
  });
  return result.ok ? "sealed" : "changed";
}

/** Holds as long as the attempt has handed over no result. */
export const noResultYet = (attempt: AttemptId): readonly [key: string, version: number] => [keys.result(attempt), 0];

export const sealedIn = (document: Document | undefined): AttemptResult | undefined =>
  kept(Sealed, document)?.value.result;

export async function readResult(store: Store, now: Instant, attempt: AttemptId): Promise<AttemptResult | undefined> {
  const [document] = await store.look(now, [{ get: keys.result(attempt) }]);
  return sealedIn(document);
}

/** Undefined where it was never sent, or is kept no more. */
export async function readPart(
  store: Store,
  ask: { now: Instant; attempt: AttemptId; number: number },
): Promise<ResultPart["entries"] | undefined> {
  const [document] = await store.look(ask.now, [{ get: keys.part(ask.attempt, ask.number) }]);
  return kept(Part, document)?.value.entries;
}

/** The changed files in order, one part in memory at a time; `first` was read ahead. Throws a `Refusal` where the seal names a part that was never sent. */
export async function* readChanges(
  store: Store,
  ask: { now: Instant; attempt: AttemptId; parts: number; first: ResultPart["entries"] | undefined },
): AsyncGenerator<ManifestEntry> {
  for (let number = 1; number <= ask.parts; number += 1) {
    const part = number === 1 && ask.first !== undefined ? ask.first : await readPart(store, { ...ask, number });
    // The sandbox seals what it has sent, so the service lost nothing and a later look would find no more.
    if (part === undefined) {
      throw new Refusal(
        `Part ${number} of the ${ask.parts} parts of the result is missing: the sandbox never sent it, or it was removed after 30 days. Nothing was published.`,
      );
    }
    yield* part;
  }
}
