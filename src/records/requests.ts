/**
 * Requests: what a person said that wants an answer and starts no work of its own. They are written down with the delivery
 * and answered by the engine, so that a webhook is acknowledged before GitHub is asked anything.
 */
import { z } from "zod";
import { Sha, TaskId } from "../core/ids.ts";
import { Instant } from "../core/instant.ts";
import type { Put, Store } from "../core/ports/store.ts";
import { Actor, Origin, Place } from "../core/task.ts";
import { indexes, kept, keys, sortKey, type Kept } from "./document.ts";
import { dueIn, type Due, type DueAsk } from "./due.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";

/** A label that was put on an issue or a pull request, and the text that it was put on. */
export const LabelAsk = z.object({
  /** Stays when it is renamed; 0 in what an earlier release wrote. */
  id: z.int().default(0),
  name: z.string(),
  /** By GitHub's clock. */
  at: Instant,
  title: z.string(),
  body: z.string(),
  /** Set where a bot did it. */
  bot: z.literal(true).optional(),
});
export type LabelAsk = z.output<typeof LabelAsk>;

/**
 * Words that are known already ("" for none), a command that must be carried out to know them, the head of a pull request
 * whose settings are to be checked, or a label that may start something.
 */
export const Saying = z.union([
  z.object({ words: z.string() }),
  z.object({ command: z.string(), input: z.json() }),
  z.object({ checkSettings: Sha }),
  z.object({ label: LabelAsk }),
]);
export type Saying = z.output<typeof Saying>;

export const Request = z.object({
  /** Also the hidden mark of the answer, which is looked for before it is posted again. */
  id: z.string(),
  place: Place,
  actor: Actor,
  comment: Origin.shape.comment,
  says: z.array(Saying).min(1),
  /** The newest task there when it was asked: what a command without an id means, however late it is carried out. */
  newest: TaskId.nullable(),
  createdAt: Instant,
  tries: z.int().min(0),
});
export type Request = z.output<typeof Request>;

export const requestPut = (request: Request, due: Instant): Put => ({
  key: keys.request(request.id),
  value: request,
  entries: [[indexes.requestsDue, sortKey(due)]],
});

export interface RequestTurn {
  readonly request: Kept<Request>;
  readonly lease: Lease;
}

/** Undefined where another holder answers it, or it is answered. */
export async function takeRequest(store: Store, ask: LeaseAsk & { id: string }): Promise<RequestTurn | undefined> {
  const name = keys.request(ask.id);
  return underLease(store, ask, {
    name,
    asked: [{ get: name }],
    async read(lease, [document]) {
      const request = kept(Request, document);
      return request === undefined ? undefined : { request, lease };
    },
  });
}

/** Keeps what was carried out as words, so that a reply that fails never carries it out again. */
export async function keepAnswer(
  store: Store,
  turn: RequestTurn,
  ask: { words: string; now: Instant; op: string },
): Promise<RequestTurn | "lost"> {
  const { value, version } = turn.request;
  const answered: Request = { ...value, says: [{ words: ask.words }] };
  const kept = await store.commit({
    op: ask.op,
    now: ask.now,
    leases: [{ ...turn.lease, act: "hold" }],
    versions: [[keys.request(value.id), version]],
    put: [requestPut(answered, ask.now)],
  });
  return kept.ok ? { ...turn, request: { value: answered, version: version + 1 } } : "lost";
}

/** `again` puts it off; without it the request is done and forgotten. What is due then, where it was asked. */
export async function endRequest(
  store: Store,
  turn: RequestTurn,
  ask: { again: { at: Instant; tries: number } | undefined; now: Instant; op: string; due: DueAsk },
): Promise<Due | undefined> {
  const { value } = turn.request;
  const put: Put =
    ask.again === undefined
      ? { key: keys.request(value.id), value: undefined }
      : requestPut({ ...value, tries: ask.again.tries }, ask.again.at);
  const { answers } = await store.commit(
    { op: ask.op, now: ask.now, leases: [{ ...turn.lease, act: "release" }], put: [put] },
    ask.due.queries,
  );
  return dueIn(ask.due, answers);
}
