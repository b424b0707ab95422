/** One request to the stand-in: read, done by Redis, answered, and spoilt on the way if a fault was ordered. */
import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { away, openAnswers, ordered } from "./answers.ts";
import { Gone } from "./connection.ts";
import { error } from "./encode.ts";
import type { Fault, FaultSource } from "./faults.ts";
import { perform, type Worker } from "./perform.ts";
import { read, Rejected, type Asked } from "./request.ts";
import { openStreams, type Streams } from "./streams.ts";

export interface Service {
  /** Rejects for a fault of the stand-in itself only. */
  serve(request: IncomingMessage, response: ServerResponse): Promise<void>;
  readonly streams: Pick<Streams, "cut" | "count">;
}

export interface Parts extends Worker {
  readonly faults: FaultSource;
  readonly token: string;
}

interface Spoilt {
  readonly fault: Exclude<Fault, { do: "hold" | "cut-stream" }>;
  happen(): void;
}

export function openService(parts: Parts): Service {
  const { database, faults, meter, token } = parts;
  const streams = openStreams(database, meter);
  const answers = openAnswers(meter);

  async function answer(asked: Asked, response: ServerResponse): Promise<void> {
    const { fault, happen } = faults.take(asked) ?? { fault: undefined, happen: () => undefined };
    if (fault?.do === "hold") {
      const early = fault.applied === "all" ? await perform(parts, asked, "all") : undefined;
      happen();
      await fault.until;
      if (early !== undefined && asked.kind !== "stream") return answers.send(response, early);
    }
    if (fault !== undefined && fault.do !== "hold" && fault.do !== "cut-stream")
      return spoil(asked, response, { fault, happen });
    if (asked.kind !== "stream") return answers.send(response, await perform(parts, asked, "all"));
    const messages = fault?.do === "cut-stream" ? fault.messages : Infinity;
    await streams.open(asked.of, response, { messages, cut: happen });
  }
  async function spoil(asked: Asked, response: ServerResponse, { fault, happen }: Spoilt): Promise<void> {
    const whole = await perform(parts, asked, fault.do === "cut-body" ? "all" : fault.applied);
    if (fault.do === "cut-body") return answers.sendHalf(response, whole, happen);
    happen();
    if (fault.do === "answer") answers.send(response, ordered(fault));
    if (fault.do === "cut") response.destroy();
  }
  return {
    async serve(request, response) {
      try {
        const { method = "", url = "", headers } = request;
        const body = await buffer(request);
        meter.request(body.length);
        await answer(read({ method, url, headers, body }, token), response);
      } catch (failure) {
        if (failure instanceof Rejected)
          answers.send(response, { status: failure.status, body: error(failure.message) });
        else if (failure instanceof Gone) answers.send(response, away);
        // A caller who leaves before the request is complete gets no answer; anything else is a fault of ours.
        else if (request.complete) throw failure;
      }
    },
    streams,
  };
}
