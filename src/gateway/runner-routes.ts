/** What a runner asks and tells: its job, its events, its inbox, its result. Everything it sends is checked and bounded. */
import { Hono, type Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { z } from "zod";
import { jobFor } from "../core/job.ts";
import type { AttemptId } from "../core/ids.ts";
import { bounds, inboxWaitMs, type EventAck, type Inbox } from "../core/protocol.ts";
import { AttemptResultShape, EventPushShape, ManifestPartShape, partsAtMost } from "../core/protocol-schema.ts";
import type { Redact } from "../core/redact.ts";
import { hear, readKnown, type Known } from "../records/hear.ts";
import { keepPart, sealResult } from "../records/result.ts";
import type { Acquaintances } from "./acquaintances.ts";
import { gone, stamp, type GatewayWorld, type InsideEnv } from "./door.ts";
import { hasMoreValues } from "./json-values.ts";

/** One push of events holds at most this; a runner sends smaller ones. */
const pushBytes = 4 * 1024 * 1024;
const resultBytes = 512 * 1024;
/** What fits the schemas has far fewer; the rest is not read, because reading it would hold up everybody. */
const mostValues = 100_000;
/** JSON around the contents of a part. */
const slackBytes = 64 * 1024;

type RunnerWorld = GatewayWorld & { readonly redact: Redact; readonly acquaintances: Acquaintances };

export function runnerRoutes(world: RunnerWorld): Hono<InsideEnv> {
  const { store, acquaintances } = world;
  return new Hono<InsideEnv>()
    .get("/job", async (context) => {
      const attempt = context.get("attempt");
      const task = context.get("task");
      if (task?.value.base === undefined) return context.json({ error: "The task has no base." }, 409);
      return context.json(jobFor(task.value, task.value.base, attempt.id));
    })
    .post("/events", capped(pushBytes), async (context) => {
      const push = await read(context, EventPushShape, world.redact);
      if (!push.ok) return push.refusal;
      const { id: attempt } = context.get("attempt");
      const known = context.get("known");
      const told = { attempt, known, events: push.value.events, ...stamp(world) };
      const heard: { last?: number } = {};
      await acquaintances.learn(attempt, async () => {
        const kept = await hear(store, told);
        if (kept === "ended") return undefined;
        heard.last = kept.last;
        return kept.known;
      });
      return heard.last === undefined ? gone(context) : context.json({ last: heard.last } satisfies EventAck);
    })
    .get("/inbox", async (context) => {
      const attempt = context.get("attempt").id;
      const after = wholeNumber(context.req.query("after") ?? "0");
      if (after === undefined) return context.json({ error: "`after` is not a number." }, 400);
      const messages = await awaitMessages(world, { attempt, after, signal: context.req.raw.signal });
      return messages === "ended" ? gone(context) : context.json({ messages } satisfies Inbox);
    })
    .put("/result/:part", capped(bounds.partBytes + slackBytes), async (context) => {
      const number = wholeNumber(context.req.param("part"));
      if (number === undefined || number < 1 || number > partsAtMost) {
        return context.json({ error: `A result has parts 1 to ${partsAtMost}.` }, 400);
      }
      const part = await read(context, ManifestPartShape);
      if (!part.ok) return part.refusal;
      const attempt = context.get("attempt").id;
      const kept = await whileKnown(world, context.get("known"), (version) =>
        keepPart(store, { attempt, number, entries: part.value }, { ...stamp(world), version }),
      );
      if (kept === "ended") return gone(context);
      return kept === "kept" ? context.body(null, 204) : context.json({ error: "The result is sealed." }, 409);
    })
    .post("/result", capped(resultBytes), async (context) => {
      const result = await read(context, AttemptResultShape, world.redact);
      if (!result.ok) return result.refusal;
      const attempt = context.get("attempt").id;
      const sealed = await whileKnown(world, context.get("known"), (version) =>
        sealResult(store, { attempt, result: result.value, ...stamp(world), version }),
      );
      return sealed === "ended" ? gone(context) : context.body(null, 204);
    });
}

/** Does it while the attempt is as it is known, with its version; what became old meanwhile is read again. */
async function whileKnown<T extends string>(
  { store, clock, acquaintances }: RunnerWorld,
  known: Known,
  work: (version: number) => Promise<T | "changed">,
): Promise<T | "ended"> {
  const { id } = known.attempt.value;
  for (let now: Known | undefined = known; ;) {
    if (now === undefined || now.attempt.value.endedAt !== undefined) return "ended";
    const outcome: T | "changed" = await work(now.attempt.version);
    if (outcome !== "changed") return outcome;
    now = await acquaintances.learn(id, () => readKnown(store, clock.now(), { attempt: id, after: known.after }));
  }
}

const capped = (maxSize: number) =>
  bodyLimit({ maxSize, onError: (context) => context.json({ error: `At most ${maxSize} bytes.` }, 413) });

/** Answers name the place that does not fit and never repeat what was sent. */
async function read<S extends z.ZodType>(
  context: Context,
  schema: S,
  redact: Redact = (text) => text,
): Promise<{ ok: true; value: z.output<S> } | { ok: false; refusal: Response }> {
  const parsed = schema.safeParse(await bodyOf(context, redact));
  if (parsed.success) return { ok: true, value: parsed.data };
  const issues = parsed.error.issues.slice(0, 5).map((each) => `${each.path.join(".")}: ${each.code}`);
  return { ok: false, refusal: context.json({ error: `The body does not fit: ${issues.join(", ")}` }, 400) };
}

async function bodyOf(context: Context, redact: Redact): Promise<unknown> {
  const text = await context.req.text();
  if (hasMoreValues(text, mostValues)) return undefined;
  try {
    return JSON.parse(text, (_, value: unknown) => (typeof value === "string" ? redact(value) : value));
  } catch {
    // Not JSON: the schema refuses it like every other misfit.
    return undefined;
  }
}

const wholeNumber = (text: string): number | undefined => (/^\d{1,9}$/.test(text) ? Number(text) : undefined);

/**
 * A long poll: answers at once where there is something, else with the first news, else empty after a while. It looks once,
 * or not at all where the runner's own pushes have shown lately that there is nothing.
 */
async function awaitMessages(
  world: RunnerWorld,
  ask: { attempt: AttemptId; after: number; signal: AbortSignal },
): Promise<Inbox["messages"] | "ended"> {
  const { store, clock, acquaintances } = world;
  const { attempt, after, signal } = ask;
  const look = async (): Promise<Inbox["messages"] | "ended"> => {
    // At the end of the service the store is closed behind the connections.
    if (signal.aborted) return [];
    const known = await acquaintances.learn(attempt, () => readKnown(store, clock.now(), { attempt, after }));
    return known === undefined || known.attempt.value.endedAt !== undefined ? "ended" : known.messages;
  };
  const { promise, resolve } = Promise.withResolvers<"news" | "silence">();
  // Before the look, so that nothing can come between the two.
  const unlisten = acquaintances.onNews(attempt, () => resolve("news"));
  const timer = setTimeout(() => resolve("silence"), inboxWaitMs);
  signal.addEventListener("abort", () => resolve("silence"));
  try {
    const lately = acquaintances.lately(attempt);
    const first = lately !== undefined && lately.after === after ? lately.messages : await look();
    if (first === "ended" || first.length > 0) return first;
    return (await promise) === "news" ? await look() : [];
  } finally {
    clearTimeout(timer);
    unlisten();
  }
}
