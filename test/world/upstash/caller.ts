/** Calls of a test to the stand-in for Upstash: through Upstash's own client, and as plain requests. */
import { Redis, type RedisConfigNodejs } from "@upstash/redis";
import type { Upstash } from "./upstash.ts";

export interface Caller {
  /** One try for each command, each command a request of its own, values as they are. */
  client(options?: Partial<RedisConfigNodejs>): Redis;
  /** With the right token, if `init` holds no other. */
  ask(path: string, init?: RequestInit): Promise<Response>;
  /** A command as the body of `POST /`, answered without base64. */
  command(...words: readonly unknown[]): Promise<Response>;
}

export function openCaller({ url, token }: Pick<Upstash, "url" | "token">): Caller {
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    const headers = new Headers(init.headers);
    if (!headers.has("authorization")) headers.set("authorization", `Bearer ${token}`);
    return fetch(`${url}${path}`, { ...init, headers });
  };
  return {
    client: (options = {}) =>
      new Redis({
        url,
        token,
        retry: { retries: 0 },
        automaticDeserialization: false,
        // Otherwise every command is sent as a pipeline, together with what is called at the same time.
        enableAutoPipelining: false,
        enableTelemetry: false,
        ...options,
      }),
    ask,
    command: (...words) => ask("/", { method: "POST", body: JSON.stringify(words) }),
  };
}

export async function answer(response: Promise<Response>): Promise<{ status: number; body: unknown }> {
  const { status } = await response;
  return { status, body: JSON.parse(await (await response).text()) };
}
