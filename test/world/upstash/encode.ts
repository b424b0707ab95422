/** Answers of Redis as Upstash's JSON. */
import type { Reply } from "./connection.ts";

/** `{"result":…}` or, for an error, `{"error":…}`; as text, because an integer of Redis may have more digits than a number of JavaScript. */
export function result(reply: Reply | Error, encoding: { readonly base64: boolean }): string {
  if (reply instanceof Error) return error(reply.message);
  // Only as the whole answer: within an array it is encoded like every other text.
  if (encoding.base64 && Buffer.isBuffer(reply) && reply.equals(okay)) return `{"result":"OK"}`;
  return `{"result":${value(reply, encoding)}}`;
}

export const error = (message: string): string => JSON.stringify({ error: message });

const okay = Buffer.from("OK");

function value(reply: Reply, encoding: { readonly base64: boolean }): string {
  if (reply === null) return "null";
  if (typeof reply === "string") return reply;
  if (Buffer.isBuffer(reply)) return JSON.stringify(reply.toString(encoding.base64 ? "base64" : "utf8"));
  if (reply instanceof Error) return JSON.stringify(reply.message);
  return `[${reply.map((each) => value(each, encoding)).join(",")}]`;
}
