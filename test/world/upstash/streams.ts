/** SUBSCRIBE as a stream of server-sent events: `data: subscribe,<channel>,1`, then `data: message,<channel>,<message>`. */
import type { ServerResponse } from "node:http";
import type { Meter } from "./bill.ts";
import { hear, type Heard } from "./connection.ts";

export type Subject = { readonly channel: string } | { readonly pattern: string };

export interface Streams {
  /** Resolves when the stream has begun. Throws `Gone` while Redis is away. */
  open(of: Subject, response: ServerResponse, end: { readonly messages: number; cut(): void }): Promise<void>;
  cut(): void;
  count(): number;
}

export function openStreams(database: { readonly path: string }, meter: Meter): Streams {
  const responses = new Set<ServerResponse>();
  return {
    async open(of, response, end) {
      const waiting: Heard[] = [];
      let take = (heard: Heard): unknown => waiting.push(heard);
      const subscription = await hear(database.path, of, (heard) => take(heard));
      const name = "channel" in of ? "subscribe" : "psubscribe";
      meter.command(name);
      // The caller left meanwhile.
      if (response.destroyed) return subscription.close();
      responses.add(response);
      response.once("close", () => {
        responses.delete(response);
        subscription.close();
      });
      void subscription.ended.then(() => response.destroy());
      const writer = openWriter(response, meter, end);
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-cache" });
      writer.write(`${name},${"channel" in of ? of.channel : of.pattern},1`);
      take = (heard) => writer.message(heard);
      for (const heard of waiting) take(heard);
    },
    cut() {
      for (const response of responses) response.destroy();
    },
    count: () => responses.size,
  };
}

/** Ends the stream after so many messages. */
function openWriter(response: ServerResponse, meter: Meter, { messages, cut }: { messages: number; cut(): void }) {
  let left = messages;
  const write = (words: string): void => {
    // Each line of a message of several lines is data of its own, as the format of server-sent events wants it.
    const lines = words.split("\n").map((line) => `data: ${line}\n`);
    const text = `${lines.join("")}\n`;
    meter.answer(Buffer.byteLength(text));
    response.write(text, left > 0 ? undefined : breakOff);
  };
  const breakOff = (): void => {
    cut();
    response.destroy();
  };
  return {
    write,
    message(heard: Heard): void {
      if (left <= 0) return;
      left -= 1;
      write(message(heard));
    },
  };
}

const message = ({ channel, pattern, message }: Heard): string =>
  pattern === undefined ? `message,${channel},${String(message)}` : `pmessage,${pattern},${channel},${String(message)}`;
