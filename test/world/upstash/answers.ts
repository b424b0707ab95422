/** What is sent back, and its bytes on the bill. */
import type { ServerResponse } from "node:http";
import type { Meter } from "./bill.ts";
import type { Fault } from "./faults.ts";

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answers {
  send(response: ServerResponse, answer: Answer): void;
  /** Half of the body, as if all came; then `then`, and the connection breaks. */
  sendHalf(response: ServerResponse, answer: Answer, then: () => void): void;
}

export function openAnswers(meter: Meter): Answers {
  let answered = 0;
  function begin(response: ServerResponse, { status, headers = {} }: Answer, bytes: number): void {
    answered += 1;
    response.writeHead(status, {
      "content-type": "application/json",
      // Opaque; there is one server here, so every answer is the newest.
      "upstash-sync-token": Buffer.from(`sync:${answered}`).toString("base64"),
      "content-length": bytes,
      ...headers,
    });
  }
  return {
    send(response, answer) {
      const bytes = Buffer.from(answer.body);
      begin(response, answer, bytes.length);
      meter.answer(bytes.length);
      response.end(bytes);
    },
    sendHalf(response, answer, then) {
      const bytes = Buffer.from(answer.body);
      const half = bytes.subarray(0, Math.floor(bytes.length / 2));
      begin(response, answer, bytes.length);
      meter.answer(half.length);
      response.write(half, () => {
        then();
        response.destroy();
      });
    },
  };
}

/** Upstash does not say what it answers while a database is away; a proxy's words, as no JSON is the worse case. */
export const away: Answer = { status: 503, body: "Service Unavailable", headers: { "content-type": "text/plain" } };

export function ordered({ status, body, headers }: Extract<Fault, { do: "answer" }>): Answer {
  if (typeof body === "string") return { status, body, headers: { "content-type": "text/plain", ...headers } };
  return { status, body: JSON.stringify(body ?? { error: "ERR internal error" }), headers: headers ?? {} };
}
