/** What stands before every call: who asks, what a test has it do wrong, and that a repeated call is done once. */
import { ServerError, Status, type CallContext, type ServerMiddleware } from "nice-grpc";
import { setTimeout as delay } from "node:timers/promises";
import type { Account } from "./account.ts";
import type { Fault } from "./faults.ts";
import { checkCaller, checkRouterCaller } from "./session.ts";
import { retryPolicy } from "./wire.ts";

const lost = (): ServerError => new ServerError(Status.UNAVAILABLE, "Connection dropped");

function refusal(fault: Fault & { do: "refuse" }, context: CallContext): ServerError {
  if (fault.retryAfterSecs !== undefined) {
    context.trailer.set("grpc-status-details-bin", retryPolicy(fault.code, fault.words, fault.retryAfterSecs));
  }
  return new ServerError(fault.code, fault.words);
}

/** Under one `x-idempotency-key` a call is done once, whatever became of its answer (modal.md §5). */
const keyOf = (call: string, context: CallContext): string | undefined => {
  const key = context.metadata.get("x-idempotency-key");
  return key === undefined ? undefined : `${call} ${key}`;
};

export function gate(account: Account): ServerMiddleware {
  const begun = new Map<string, Promise<unknown>>();

  /** A call that was refused may be made again. */
  function once<Answer>(key: string | undefined, work: () => Promise<Answer>): Promise<Answer> {
    if (key === undefined) return work();
    // Under a key of its own every call is answered with what it answered itself.
    const before = begun.get(key) as Promise<Answer> | undefined;
    const running = before ?? work();
    begun.set(key, running);
    running.catch(() => begun.delete(key));
    return running;
  }

  return async function* (call, context) {
    const [, service, name = ""] = call.method.path.split("/");
    account.calls.push(name);
    const fault = account.faults.take(name);
    if (fault?.do === "refuse") throw refusal(fault, context);
    if (fault?.do === "wait") await delay(fault.ms);
    if (service?.endsWith("TaskCommandRouter") === true) checkRouterCaller(account, context.metadata);
    else checkCaller(account, name, context.metadata);

    if (call.responseStream) {
      for await (const part of call.next(call.request, context)) {
        yield part;
        // In the middle: the client goes on from where it is.
        if (fault?.do === "lose") throw lost();
      }
      return;
    }
    const answering = call.next(call.request, context);
    const answer = await once(keyOf(name, context), async () => {
      const { value } = await answering.next();
      return value;
    });
    if (fault?.do === "lose") throw lost();
    return answer;
  };
}
