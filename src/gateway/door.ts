/** Who stands at the gateway: each call bears the token of one attempt and is let in while that attempt lives. */
import type { Context, MiddlewareHandler } from "hono";
import type { Attempt } from "../core/attempt.ts";
import type { Instant } from "../core/instant.ts";
import type { AttemptTokens, Clock, Ids } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import { readAttempt } from "../records/attempt.ts";
import { readKnown, type Known } from "../records/hear.ts";
import { openShares, retryAfterSeconds } from "./shares.ts";

export interface GatewayWorld {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tokens: AttemptTokens;
}

type Inside = { readonly attempt: Attempt; readonly known: Known };
export type InsideEnv = { Variables: Inside };

/** The attempt that a token is for, if it has begun and has not ended, and what was heard of it. */
async function openAttempt(
  { store, clock, tokens }: GatewayWorld,
  token: string | undefined,
): Promise<Inside | "unknown" | "ended"> {
  const id = token === undefined ? undefined : tokens.verify(token);
  if (id === undefined) return "unknown";
  const now = clock.now();
  // In one turn, so that a store which bills its calls makes one of them: most calls of a runner tell something.
  const [attempt, known] = await Promise.all([readAttempt(store, now, id), readKnown(store, now, id)]);
  if (attempt === undefined) return "unknown";
  return attempt.value.endedAt === undefined ? { attempt: attempt.value, known } : "ended";
}

/** A runner has about four under way. A body is at most 4 MiB; those of the model's calls are counted there. */
const mostCalls = 16;

export function door(world: GatewayWorld): MiddlewareHandler<InsideEnv> {
  const shares = openShares({ calls: mostCalls, bytes: 0 });
  return async (context, next) => {
    const inside = await openAttempt(world, bearer(context));
    if (inside === "unknown") return context.json({ error: "This is not the token of an attempt." }, 401);
    // 410 tells a runner that nobody waits for it any more: it gives up at once.
    if (inside === "ended") return context.json({ error: "The attempt has ended." }, 410);
    const share = shares.take(inside.attempt.id);
    if (share === undefined) return tooMany(context);
    context.set("attempt", inside.attempt);
    context.set("known", inside.known);
    try {
      await next();
    } finally {
      share.leave();
    }
    return undefined;
  };
}

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
