/** Notices to the operator's own address, as JSON that a chat's incoming webhook shows as it stands. */
import { createHmac } from "node:crypto";
import { secondMs } from "../core/instant.ts";
import type { OperatorChannel } from "../core/ports/notices.ts";

const answerWithinMs = 5 * secondMs;

export interface OperatorWebhookOptions {
  readonly url: string;
  /** Signs the body, as GitHub signs its own; absent where nobody checks. */
  readonly secret: string | undefined;
  readonly fetch: typeof fetch;
}

/** Header with `sha256=` and the hexadecimal HMAC of the body. */
const signatureHeader = "x-parhelia-signature-256";

/**
 * Posts `key` (the same in a repetition), `kind`, `at` (ISO 8601), `text` (one plain line) and `facts`. Any answer but 2xx is
 * a failure, a redirect as well. Addresses may hold secrets, so errors do not show them.
 */
export const openOperatorWebhook = ({ url, secret, fetch }: OperatorWebhookOptions): OperatorChannel => ({
  name: "webhook",
  async tell({ key, kind, at, title, facts }) {
    const body = JSON.stringify({ key, kind, at: new Date(at).toISOString(), text: title, facts });
    const headers = new Headers({ "content-type": "application/json", "user-agent": "parhelia" });
    if (secret !== undefined) headers.set(signatureHeader, `sha256=${sign(body, secret)}`);
    const signal = AbortSignal.timeout(answerWithinMs);
    const answer = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    await answer.body?.cancel();
    if (!answer.ok) throw new Error(`operator.webhook answered ${answer.status}.`);
  },
});

const sign = (body: string, secret: string): string => createHmac("sha256", secret).update(body).digest("hex");
