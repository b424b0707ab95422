/** Who stands at the gateway: each call bears the token of one attempt and is let in while that attempt lives. */
import type { Context, MiddlewareHandler } from "hono";
import type { Attempt } from "../core/attempt.ts";
import type { Instant } from "../core/instant.ts";
import type { AttemptTokens, Clock, Ids } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import { taskOfAttempt } from "../core/ids.ts";
import type { Task } from "../core/task.ts";
import type { Kept } from "../records/document.ts";
import { readKnown, type Known } from "../records/hear.ts";
import { readTask } from "../records/read-task.ts";
import type { Acquaintances } from "./acquaintances.ts";
import { openShares, retryAfterSeconds } from "./shares.ts";

export interface GatewayWorld {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tokens: AttemptTokens;
}

type Inside = {
  readonly attempt: Attempt;
  /** What was heard of the attempt; maybe a while ago where the call bears that. */
  readonly known: Known;
  /** Absent where nothing was read for this call. */
  readonly task: Kept<Task> | undefined;
};
export type InsideEnv = { Variables: Inside };

/** The attempt that a token is for, if it has begun and has not ended, and what was heard of it. */
async function openAttempt(
  { store, clock, tokens, acquaintances }: GatewayWorld & { acquaintances: Acquaintances },
  token: string | undefined,
  bearsOld: boolean,
): Promise<Inside | "unknown" | "ended"> {
  const id = token === undefined ? undefined : tokens.verify(token);
  if (id === undefined) return "unknown";
  const before = acquaintances.of(id);
  if (before !== undefined && bearsOld) return { attempt: before.attempt.value, known: before, task: undefined };
  const now = clock.now();
  // In one turn, so that a store which bills its calls makes one of them.
  const [known, task] = await Promise.all([
    acquaintances.learn(id, () => readKnown(store, now, { attempt: id, after: before?.after ?? 0 })),
    readTask(store, now, taskOfAttempt(id)),
  ]);
  if (known === undefined) return "unknown";
  const attempt = known.attempt.value;
  return attempt.endedAt === undefined ? { attempt, known, task } : "ended";
}

/** These find out by themselves what has changed. */
const bearsOld = (call: string): boolean =>
  /^(?:POST \/gateway\/events|GET \/gateway\/inbox|PUT \/gateway\/result\/\d+|POST \/gateway\/result)$/.test(call);

/** A runner has about four under way. A body is at most 4 MiB; those of the model's calls are counted there. */
const mostCalls = 16;

export function door(world: GatewayWorld & { acquaintances: Acquaintances }): MiddlewareHandler<InsideEnv> {
  const shares = openShares({ calls: mostCalls, bytes: 0 });
  return async (context, next) => {
    const { method, path } = context.req;
    const inside = await openAttempt(world, bearer(context), bearsOld(`${method} ${path}`));
    if (inside === "unknown") return context.json({ error: "This is not the token of an attempt." }, 401);
    if (inside === "ended") return gone(context);
    const share = shares.take(inside.attempt.id);
    if (share === undefined) return tooMany(context);
    context.set("attempt", inside.attempt);
    context.set("known", inside.known);
    context.set("task", inside.task);
    try {
      await next();
    } finally {
      share.leave();
    }
    return undefined;
  };
}

/** Tells a runner that nobody waits for it any more: it gives up at once. */
export const gone = (context: Context): Response => context.json({ error: "The attempt has ended." }, 410);

/** As plain text, which is what git shows to its user. */
export const tooMany = (context: Context): Response =>
  context.text("This attempt has too many calls under way; try again when one has ended.\n", 429, {
    "retry-after": retryAfterSeconds,
  });

/** A bearer token, or the same as a password, which is how git sends it. */
function bearer(context: Context): string | undefined {
  const header = context.req.header("authorization") ?? "";
  const [scheme = "", value = ""] = header.split(" ");
  switch (scheme.toLowerCase()) {
    case "bearer":
      return value;
    case "basic":
      return Buffer.from(value, "base64").toString("utf8").split(":").slice(1).join(":");
    default:
      return context.req.header("x-api-key");
  }
}

export const stamp = (world: GatewayWorld): { now: Instant; op: string } => ({
  now: world.clock.now(),
  op: world.ids.unique(),
});
