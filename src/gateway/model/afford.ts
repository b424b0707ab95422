/**
 * Holds the worst case of a call before it is sent. Where less is left than the call might cost, the call is made
 * smaller: `max_tokens` goes down to what the money allows, and only a call for which not even a small answer can be
 * paid is refused.
 */
import { dollars, type MicroUsd } from "../../core/money.ts";
import { affordableOutputTokens, worstCase } from "../../core/pricing.ts";
import type { No } from "./answers.ts";
import { isObject, type JsonObject } from "./json.ts";
import type { Account, Hold } from "./purse.ts";
import type { ModelRequest } from "./request.ts";

/** Fewer output tokens than this say nothing useful. */
const smallAnswerTokens = 256;
/** The smallest thinking budget that the Messages API takes. */
const leastThinkingTokens = 1024;
/** Other calls may take the money between two tries; after so many the answer stands. */
const tries = 4;

export type Afforded =
  | {
      readonly ok: true;
      readonly held: MicroUsd;
      readonly hold: Hold;
      readonly body: JsonObject;
      readonly maxTokens: number;
    }
  | { readonly ok: false; readonly no: No };

/** `othersUnderWay` counts the calls of the same attempt that hold money now and will give some of it back. */
export async function afford(
  account: Account,
  call: { readonly id: string; readonly request: ModelRequest; readonly othersUnderWay: () => number },
): Promise<Afforded> {
  const { request } = call;
  let fitted: Fitted | undefined = { body: request.body, maxTokens: request.maxTokens };
  let because = "";
  for (let tried = 0; tried < tries; tried += 1) {
    const held = worstCase({ ...request, maxOutputTokens: fitted.maxTokens });
    const reserved = await account.reserve(call.id, held);
    if (reserved.ok) return { ok: true, held, hold: reserved.hold, ...fitted };
    because = reserved.because;
    fitted = fit(request, reserved.left);
    if (fitted === undefined) return short(tooLittle(request, reserved), call.othersUnderWay());
  }
  return short(because, call.othersUnderWay());
}

function tooLittle(request: ModelRequest, { because, left }: { because: string; left: MicroUsd }): string {
  const least = worstCase({ ...request, maxOutputTokens: leastOutput(request) });
  return `budget: ${because} ${dollars(left)} is left, and even a small answer to this request may cost ${dollars(least)}.`;
}

/** While other calls hold money that they may give back, "try again soon" is true and "the budget is used up" is not. */
function short(message: string, othersUnderWay: number): Afforded {
  if (othersUnderWay === 0) return { ok: false, no: { status: 402, type: "billing_error", message } };
  const headers = { "retry-after": "2" };
  const wait = `${message} Other calls of this task are under way and hold money; try again when they have ended.`;
  return { ok: false, no: { status: 429, type: "rate_limit_error", message: wait, headers } };
}

const thinkingBudget = (body: JsonObject): number | undefined => {
  const thinking = body["thinking"];
  if (!isObject(thinking) || thinking["type"] !== "enabled") return undefined;
  return typeof thinking["budget_tokens"] === "number" ? thinking["budget_tokens"] : undefined;
};

const leastOutput = (request: ModelRequest): number =>
  Math.min(
    request.maxTokens,
    thinkingBudget(request.body) === undefined ? smallAnswerTokens : leastThinkingTokens + smallAnswerTokens,
  );

type Fitted = { readonly body: JsonObject; readonly maxTokens: number };

/** The request with as much output as `left` pays for, or undefined where that is too little. */
function fit(request: ModelRequest, left: MicroUsd): Fitted | undefined {
  const maxTokens = Math.min(request.maxTokens, affordableOutputTokens(request, left));
  if (maxTokens < leastOutput(request)) return undefined;
  if (maxTokens === request.maxTokens) return { body: request.body, maxTokens };
  const budget = thinkingBudget(request.body);
  if (budget === undefined) return { body: { ...request.body, max_tokens: maxTokens }, maxTokens };
  // The API refuses a thinking budget that is not below max_tokens, and an answer needs room after the thinking.
  const lowered = Math.min(budget, maxTokens - smallAnswerTokens);
  const thinking = { ...(isObject(request.body["thinking"]) ? request.body["thinking"] : {}), budget_tokens: lowered };
  return { body: { ...request.body, max_tokens: maxTokens, thinking }, maxTokens };
}
