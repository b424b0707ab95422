/** The runner's way to the gateway: HTTP over a unix socket or to an address, always with the attempt's token. */
import * as http from "node:http";
import * as https from "node:https";
import { text } from "node:stream/consumers";
import { backoffMs, type Timing } from "./timing.ts";

/** `status` 0: there was no answer, and `text` says why. */
export type Answer = { status: number; text: string };

export type Gateway = {
  /** A request that is not yet sent, for the bridge. */
  open(method: string, path: string, headers: http.OutgoingHttpHeaders, signal?: AbortSignal): http.ClientRequest;
  /** Never rejects. */
  call(method: string, path: string, body?: string, signal?: AbortSignal): Promise<Answer>;
};

/** What every call of the runner's own goes by. `over` is aborted when the attempt has ended without us. */
export type Reach = { gateway: Gateway; timing: Timing; over: AbortController };

/** Longer than the gateway holds back an answer of the inbox. */
const quietMs = 60_000;

/** `address` is `unix:<path>` or an http(s) address. */
export function connect(address: string, token: string): Gateway {
  const isUnix = address.startsWith("unix:");
  const base = isUnix ? "http://localhost" : address.replace(/\/$/, "");
  const { Agent, request } = address.startsWith("https:") ? https : http;
  const agent = new Agent({ keepAlive: true });

  const open: Gateway["open"] = (method, path, headers, signal) =>
    request(base + path, {
      socketPath: isUnix ? address.slice("unix:".length) : undefined,
      agent,
      method,
      headers: { ...headers, authorization: `Bearer ${token}` },
      signal,
    });

  const call: Gateway["call"] = (method, path, body, signal) =>
    new Promise((resolve) => {
      const away = (cause: Error): void => resolve({ status: 0, text: cause.message });
      const request = open(method, path, { "content-type": "application/json" }, signal);
      request.setTimeout(quietMs, () => request.destroy(new Error("no answer")));
      request.on("error", away);
      request.on("response", (response) => {
        text(response).then((answer) => resolve({ status: response.statusCode ?? 0, text: answer }), away);
      });
      request.end(body);
    });

  return { open, call };
}

/** Calls once. Aborts `over` where the gateway knows this attempt no longer: nothing that is done here counts any more. */
export async function ask({ gateway, over }: Reach, ...call: Parameters<Gateway["call"]>): Promise<Answer> {
  const answer = await gateway.call(...call);
  if (answer.status === 401 || answer.status === 410) over.abort();
  return answer;
}

/** No answer, or one that may be another the next time. */
export const mayPass = ({ status }: Answer): boolean =>
  status < 200 || status >= 500 || status === 408 || status === 429;

/**
 * Calls until there is an answer that stays: accepted, or refused for good. Aborts `over` when the attempt has
 * ended; the answer is then 401 or 410. A service that is away is waited for without end: the sandbox's lifetime bounds it.
 */
export async function insist(reach: Reach, method: string, path: string, body?: string): Promise<Answer> {
  const stop = reach.over.signal;
  for (let failures = 1; ; failures += 1) {
    const answer = stop.aborted ? { status: 410, text: "" } : await ask(reach, method, path, body);
    if (!mayPass(answer)) return answer;
    await reach.timing.sleep(backoffMs(failures), stop);
  }
}
