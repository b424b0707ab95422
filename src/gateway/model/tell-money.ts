/**
 * Tells an agent that its money comes to an end while there is some left to finish with. It is said at the end of the
 * request, behind all that the agent sent, so that what the API has cached of the conversation stays good.
 */
import { dollars, minus, type MicroUsd } from "../../core/money.ts";
import { isObject, type JsonObject } from "./json.ts";
import { measured, type ModelRequest } from "./request.ts";

/** Percent of the task's ceiling from which on it is told. */
const toldFromPercent = 90;

type Money = { readonly gone: MicroUsd; readonly ceiling: MicroUsd };

/** The request as it is sent: with the word where it is due. */
export function withMoneyTold(request: ModelRequest, money: Money): ModelRequest {
  if (100 * money.gone < toldFromPercent * money.ceiling) return request;
  const messages = request.body["messages"];
  const last: unknown = Array.isArray(messages) ? messages.at(-1) : undefined;
  if (!Array.isArray(messages) || !isObject(last) || last["role"] !== "user") return request;
  const said = { ...last, content: [...blocksOf(last["content"]), { type: "text", text: words(money) }] };
  const body: JsonObject = { ...request.body, messages: [...messages.slice(0, -1), said] };
  return measured(body, request.model, request.counts);
}

const blocksOf = (content: unknown): readonly unknown[] =>
  Array.isArray(content) ? content : [{ type: "text", text: content }];

const words = ({ gone, ceiling }: Money): string =>
  `[From the service that runs you] ${dollars(gone)} of the ${dollars(ceiling)} that this task may cost are used; ` +
  `${dollars(minus(ceiling, gone))} are left, and then your calls are refused. Start nothing new. Leave the files in a ` +
  `state that is worth keeping, and end with a few lines on what is done and what is not.`;
