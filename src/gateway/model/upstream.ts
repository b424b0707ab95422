/**
 * The way to the model's API: adds the key that no sandbox knows, sends only headers that are known, and lets only
 * known headers come back.
 */
import type { ModelApi } from "../../core/ports/model.ts";
import type { JsonObject } from "./json.ts";

export interface Sending {
  readonly path: "/v1/messages" | "/v1/messages/count_tokens";
  readonly body: JsonObject;
  readonly betas: readonly string[];
  /** The `anthropic-version` of the caller. */
  readonly version: string | undefined;
}

export type Sent =
  | { readonly ok: true; readonly response: Response }
  /** `mayHaveCost` is false only where the request cannot have left this machine. */
  | { readonly ok: false; readonly mayHaveCost: boolean; readonly because: string };

const neverLeft: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

export async function send(upstream: ModelApi, sending: Sending): Promise<Sent> {
  const query = sending.betas.length > 0 ? "?beta=true" : "";
  const version = sending.version !== undefined && /^\d{4}-\d{2}-\d{2}$/.test(sending.version);
  try {
    const response = await upstream.fetch(`${upstream.baseUrl.replace(/\/+$/, "")}${sending.path}${query}`, {
      method: "POST",
      // A redirect would carry the key to another host.
      redirect: "manual",
      headers: {
        "x-api-key": upstream.apiKey,
        "anthropic-version": version ? (sending.version ?? "") : "2023-06-01",
        ...(sending.betas.length > 0 ? { "anthropic-beta": sending.betas.join(",") } : {}),
        "content-type": "application/json",
        accept: sending.body["stream"] === true ? "text/event-stream" : "application/json",
      },
      body: JSON.stringify(sending.body),
    });
    return { ok: true, response };
  } catch (error) {
    const code = causeCode(error);
    return { ok: false, mayHaveCost: !neverLeft.has(code), because: withoutKey(upstream, code ?? String(error)) };
  }
}

function causeCode(error: unknown): string | undefined {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined;
}

/** A text of the API's or of a library's, safe to show and to log. */
export const withoutKey = (upstream: Pick<ModelApi, "apiKey">, text: string): string =>
  upstream.apiKey === "" ? text : text.replaceAll(upstream.apiKey, "[removed]");

const passedOn = ["content-type", "request-id", "retry-after", "retry-after-ms", "x-should-retry"];

/** Other headers tell of the account behind the key, or no longer fit a body that is already unpacked. */
export function headersBack(response: Response): Record<string, string> {
  const entries = passedOn.flatMap((name) => {
    const value = response.headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  return Object.fromEntries(entries);
}
