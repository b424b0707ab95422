/** A request to Upstash's REST interface, as https://upstash.com/docs/redis/features/restapi describes it. */
import type { IncomingHttpHeaders } from "node:http";
import type { Command } from "./connection.ts";

export type Asked = { readonly path: string; readonly base64: boolean; readonly commands: readonly Command[] } & (
  | { readonly kind: "command" }
  | { readonly kind: "pipeline" }
  | { readonly kind: "transaction" }
  | { readonly kind: "stream"; readonly of: { readonly channel: string } | { readonly pattern: string } }
);

export interface Received {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer that needs no Redis. */
export class Rejected extends Error {
  override readonly name = "Rejected";
  readonly status: number;

  constructor(status: number, message: string, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

/** Free and pay-as-you-go, https://upstash.com/docs/redis/troubleshooting/max_request_size_exceeded. */
const mostBytes = 10 * 1024 * 1024;

/** Throws a `Rejected` for what Upstash turns away unread. */
export function read({ method, url, headers, body }: Received, token: string): Asked {
  const { pathname, searchParams } = new URL(url, "http://upstash");
  if (!["HEAD", "GET", "POST", "PUT"].includes(method)) throw new Rejected(405, "ERR method not allowed");
  if (headers.authorization !== `Bearer ${token}` && searchParams.get("_token") !== token)
    throw new Rejected(401, "WRONGPASS invalid or missing auth token");
  if (body.length > mostBytes)
    throw new Rejected(413, `ERR max request size exceeded. Limit: ${mostBytes} bytes, Actual: ${body.length} bytes`);
  if ((headers["upstash-response-format"] ?? "json") !== "json")
    throw new Rejected(400, "ERR only JSON is answered here");
  const common = { path: pathname, base64: headers["upstash-encoding"] === "base64" };
  const [first = "", ...rest] = pathname.slice(1).split("/").map(decoded);
  switch (first) {
    case "":
      return { ...common, kind: "command", commands: [commandOf(json(body))] };
    case "pipeline":
      return { ...common, kind: "pipeline", commands: commandsOf(json(body)) };
    case "multi-exec":
      return { ...common, kind: "transaction", commands: commandsOf(json(body)) };
    case "subscribe":
      return { ...common, kind: "stream", of: { channel: one(rest) }, commands: [["SUBSCRIBE", one(rest)]] };
    case "psubscribe":
      return { ...common, kind: "stream", of: { pattern: one(rest) }, commands: [["PSUBSCRIBE", one(rest)]] };
    default: {
      // The body is one more argument, as bytes; what the query holds comes after it.
      const options = [...searchParams]
        .filter(([name]) => name !== "_token")
        .flat()
        .filter((each) => each !== "");
      const value = body.length === 0 ? [] : [body];
      return { ...common, kind: "command", commands: [[first, ...rest, ...value, ...options]] };
    }
  }
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch (error) {
    throw new Rejected(400, "ERR malformed path", { cause: error });
  }
}

function one(channels: readonly string[]): string {
  const [channel, ...more] = channels;
  if (channel === undefined || channel === "" || more.length > 0)
    throw new Rejected(400, "ERR one channel is expected");
  return channel;
}

function json(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch (error) {
    throw new Rejected(400, "ERR the request is no JSON", { cause: error });
  }
}

function commandsOf(body: unknown): readonly Command[] {
  if (!Array.isArray(body) || body.length === 0) throw new Rejected(400, "ERR an array of commands is expected");
  return body.map(commandOf);
}

function commandOf(body: unknown): Command {
  if (!Array.isArray(body)) throw new Rejected(400, "ERR a command is an array");
  const [name, ...args] = body.map(argument);
  if (name === undefined) throw new Rejected(400, "ERR empty command");
  return [name, ...args];
}

function argument(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  throw new Rejected(400, "ERR an argument is a text or a number");
}
