/** The log: JSON lines for the operator, without what people wrote. */
import { pino, type Logger } from "pino";

/** Of an error its name, words, stack and cause: a client's error holds the request too, with people's texts and files. */
function safeError(error: unknown): unknown {
  if (!(error instanceof Error)) return String(error).slice(0, 1000);
  const cause = error.cause === undefined ? {} : { cause: safeError(error.cause) };
  return { type: error.name, message: error.message.slice(0, 2000), stack: error.stack, ...cause };
}

/** Written to this file descriptor: 1 for a service, 2 beside a terminal's own words. */
export const openLog = (level: string, descriptor: 1 | 2): Logger =>
  pino({ level, serializers: { err: safeError } }, pino.destination(descriptor));
