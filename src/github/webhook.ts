/**
 * The one door for GitHub's deliveries. The body is capped before it is read and checked before it is parsed; what it says is
 * kept in one commit, and only then is it acknowledged. Strangers learn nothing from an answer.
 */
import { verifyWithFallback } from "@octokit/webhooks-methods";
import { Hono } from "hono";
import { bodyLimit } from "hono/body-limit";
import type { Probot } from "probot";
import type { Ids } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";

/** GitHub sends nothing larger. */
const deliveryBytes = 25 * 1024 * 1024;

export interface WebhookOptions {
  readonly probot: Pick<Probot, "receive">;
  /** The secret, and while it is being changed the one before it. */
  readonly secrets: { readonly now: string; readonly before: string | undefined };
  readonly log: Log;
  readonly ids: Pick<Ids, "trace">;
}

export function webhookRoutes({ probot, secrets, log, ids }: WebhookOptions): Hono {
  const before = secrets.before === undefined ? [] : [secrets.before];
  const refuseLarge = bodyLimit({ maxSize: deliveryBytes, onError: (context) => context.body(null, 413) });
  return new Hono().post("/webhook", refuseLarge, async (context) => {
    const { "x-github-delivery": id, "x-github-event": name, "x-hub-signature-256": signature } = context.req.header();
    if (id === undefined || name === undefined || signature === undefined) return context.body(null, 400);
    const body = await context.req.text();
    if (!(await verifyWithFallback(secrets.now, body, signature, before))) return context.body(null, 401);
    try {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- signed by GitHub; handlers of unknown names are not called
      await probot.receive({ id, name, payload: JSON.parse(body) } as Parameters<Probot["receive"]>[0]);
      return context.body(null, 202);
    } catch (error) {
      // GitHub keeps the failed delivery for three days; its redelivery finds nothing kept and is taken in then.
      log.error({ delivery: id, event: name, trace: ids.trace(), err: error }, "a delivery failed");
      return context.body(null, 500);
    }
  });
}
