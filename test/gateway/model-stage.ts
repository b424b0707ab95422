/** The model routes in front of an upstream that each test writes itself, byte by byte where that matters. */
import { AttemptId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { usd, type MicroUsd } from "../../src/core/money.ts";
import { modelRoutes } from "../../src/gateway/model/model-routes.ts";
import { openPurse } from "../world/purse.ts";

export const key = "sk-ant-the-one-key-of-the-service";
export const attempt = AttemptId.parse("t_00000001-1");
/** Its token is `neighbour-token`. */
const neighbour = AttemptId.parse("t_00000002-1");

export interface SentUp {
  readonly url: string;
  readonly headers: Headers;
  readonly body: string;
  readonly redirect: string | undefined;
}

export function modelStage(upstream: (sent: SentUp) => Response | Promise<Response>, ceiling: MicroUsd = usd(50)) {
  const purse = openPurse(ceiling);
  const sent: SentUp[] = [];
  const lines: Record<string, unknown>[] = [];
  const note =
    (level: string) =>
    (line: object, message: string): void =>
      void lines.push({ level, message, ...line });
  let made = 0;
  const app = modelRoutes({
    verify: (token) => ({ "attempt-token": attempt, "neighbour-token": neighbour })[token],
    purse,
    upstream: {
      baseUrl: "https://api.example/",
      apiKey: key,
      fetch: (input, init) => {
        const request: SentUp = {
          url: input instanceof Request ? input.url : String(input),
          headers: new Headers(init?.headers),
          body: typeof init?.body === "string" ? init.body : "",
          redirect: init?.redirect,
        };
        sent.push(request);
        return Promise.resolve().then(() => upstream(request));
      },
    },
    allow: { models: ["claude-opus-5-5", "claude-haiku-4-5", "claude-next-1"] },
    log: { info: note("info"), warn: note("warn"), error: note("error") },
    now: () => Instant.parse(0),
    unique: () => `${(made += 1)}`,
  });
  const call = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
    Promise.resolve(
      app.request(path, {
        method: "POST",
        headers: { authorization: "Bearer attempt-token", ...headers },
        body: typeof body === "string" ? body : JSON.stringify(body),
      }),
    );
  return { app, purse, sent, lines, ask: (body: unknown, headers = {}) => call("/v1/messages", body, headers), call };
}

export const request = {
  model: "claude-opus-5-5",
  max_tokens: 1000,
  messages: [{ role: "user", content: "Hello" }],
};

/** An answer's usage, in the API's words. */
export const usage = (input: number, output: number, more: object = {}): object => ({
  input_tokens: input,
  output_tokens: output,
  ...more,
});

export const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Response =>
  Response.json(value, { status, headers });

export const event = (value: { type: string } & Record<string, unknown>): string =>
  `event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`;

export const started = (counted: object): string =>
  event({ type: "message_start", message: { id: "m", usage: counted } });
export const said = (text: string): string =>
  event({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } });
export const counted = (counts: object): string =>
  event({ type: "message_delta", delta: { stop_reason: "end_turn" }, usage: counts });
export const stopped = event({ type: "message_stop" });

/** A stream of these bytes, cut where the caller cuts; `fail` breaks it off after the last. */
export function stream(chunks: readonly (string | Uint8Array)[], end: "close" | "fail" = "close"): Response {
  const bytes = chunks.map((chunk) => (typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk));
  let at = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      const next = bytes[at];
      at += 1;
      if (next !== undefined) controller.enqueue(next);
      else if (end === "close") controller.close();
      else controller.error(new TypeError("terminated"));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream; charset=utf-8" } });
}

export async function errorOf(response: Response): Promise<{ status: number; type: string; message: string }> {
  const body: unknown = await response.json();
  const error = Object.entries(body ?? {}).find(([name]) => name === "error")?.[1];
  return { status: response.status, type: String(error?.type), message: String(error?.message) };
}
