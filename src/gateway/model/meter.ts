/** Reads usage from a stream of events while its bytes pass by unchanged. */
import { parseObject, isObject, type JsonObject } from "./json.ts";
import { laterUsage } from "./usage.ts";

export interface Meter {
  feed(chunk: Uint8Array): void;
  /** True once the stream said that the answer is complete. */
  complete(): boolean;
  /** True where the stream said that it failed before any answer began: nothing was used. */
  failedBeforeStart(): boolean;
  usage(): JsonObject | undefined;
}

/** Events that carry usage are short; a longer line is skipped, so that memory stays bounded. */
const mostLineBytes = 1024 * 1024;
const newline = 10;

export function streamMeter(): Meter {
  const lines = lineReader((line) => {
    if (line.startsWith("data:")) take(line.slice("data:".length));
  });
  let usage: JsonObject | undefined;
  let started = false;
  let complete = false;
  let failed = false;

  // Parsing every piece of text would cost more than passing it on; only these four kinds matter here.
  const matters = /"(?:message_start|message_delta|message_stop|error)"/;
  function take(data: string): void {
    if (!matters.test(data)) return;
    const event = parseObject(data);
    switch (event?.["type"]) {
      case "message_start":
        started = true;
        usage = laterUsage(usage, isObject(event["message"]) ? event["message"]["usage"] : undefined);
        return;
      case "message_delta":
        usage = laterUsage(usage, event["usage"]);
        return;
      case "message_stop":
        complete = started;
        return;
      case "error":
        failed = true;
    }
  }
  return {
    feed: lines,
    complete: () => complete,
    failedBeforeStart: () => failed && !started,
    usage: () => usage,
  };
}

/** Calls back with each whole line, however the bytes were cut into chunks. */
function lineReader(onLine: (line: string) => void): (chunk: Uint8Array) => void {
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const keep = (part: Uint8Array): void => {
    bytes += part.byteLength;
    if (bytes <= mostLineBytes) parts.push(part);
  };
  return (chunk) => {
    let from = 0;
    for (let at = chunk.indexOf(newline); at !== -1; at = chunk.indexOf(newline, from)) {
      keep(chunk.subarray(from, at));
      if (bytes <= mostLineBytes) onLine(Buffer.concat(parts).toString("utf8").trimEnd());
      parts = [];
      bytes = 0;
      from = at + 1;
    }
    // Copied, because the chunk goes on to the client and may be reused there.
    if (from < chunk.byteLength) keep(chunk.slice(from));
  };
}
