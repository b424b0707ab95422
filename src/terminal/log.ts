/** The log: JSON lines for the operator, without what people wrote and without secrets. */
import { pino, type Logger } from "pino";
import type { Redact } from "../core/redact.ts";

export interface OpenedLog {
  readonly log: Logger;
  /** From now on this goes over every text that leaves, in place of what did so before. */
  redactWith(redact: Redact): void;
}

/** Of an error its name, words, stack and cause: a client's error holds the request too, with people's texts and files. */
function safeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error).slice(0, 1000);
  const cause = error.cause === undefined ? {} : { cause: safeError(error.cause) };
  return { type: error.name, message: error.message.slice(0, 2000), stack: error.stack, ...cause };
}

/** Written to this file descriptor: 1 for a service, 2 beside a terminal's own words. */
export function openLog(level: string, descriptor: 1 | 2, redact: Redact): OpenedLog {
  const out = pino.destination(descriptor);
  let clean = redact;
  // Text by text: in the line as a whole a mark could take half of an escape, and what is cut would not be at an end.
  const redacted = (_key: string, value: unknown): unknown => (typeof value === "string" ? clean(value) : value);
  const stream = { write: (line: string) => void out.write(`${JSON.stringify(JSON.parse(line, redacted))}\n`) };
  return {
    log: pino({ level, serializers: { err: safeError } }, stream),
    redactWith(next) {
      clean = next;
    },
  };
}
