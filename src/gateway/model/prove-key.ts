/** The smallest call that there is, to see whether the service's key is one. It is made outside of every task, and what it costs is told. */
import { z } from "zod";
import { failed, ok } from "../../core/checkup.ts";
import type { KeyProof } from "../../core/health.ts";
import { visible } from "../../core/markdown.ts";
import { dollars, noMoney } from "../../core/money.ts";
import type { ModelApi } from "../../core/ports/model.ts";
import { modelPrice, mostInputTokens, usageCost, worstCase } from "../../core/pricing.ts";
import { isObject, parseObject } from "./json.ts";
import { send, withoutKey } from "./upstream.ts";
import { readUsage } from "./usage.ts";

/** Of those that may be used, the one whose tokens cost least. */
export function cheapest(models: readonly string[]): string {
  const price = (model: string): number => modelPrice(model).input + modelPrice(model).output;
  const [first, ...others] = models;
  if (first === undefined) throw new Error("No model may be used.");
  return others.reduce((least, each) => (price(each) < price(least) ? each : least), first);
}

/** `upstream.fetch` bounds the time. */
export async function proveKey(upstream: ModelApi, model: string): Promise<KeyProof> {
  const no = (found: string, cure: string): KeyProof => ({ model, cost: noMoney, seen: failed(found, cure) });
  if (upstream.apiKey === "") return no("ANTHROPIC_API_KEY is not set.", newKey);
  const body = { model, max_tokens: 1, messages: [{ role: "user", content: "." }] };
  const sent = await send(upstream, { path: "/v1/messages", body, betas: [], version: undefined });
  if (!sent.ok) {
    return no(
      `The model's API at ${upstream.baseUrl} gives no answer (${sent.because}), so the key is not proved.`,
      "Let this machine reach it, or set agent.api_url to where it is.",
    );
  }
  const text = await sent.response.text();
  const { status } = sent.response;
  if (status !== 200) {
    const said = saidIn(text);
    return no(
      `The model's API answered ${status}${said === "" ? "" : `: “${withoutKey(upstream, said)}”`}.`,
      cureOf(status, said),
    );
  }
  const raw = parseObject(text)?.["usage"];
  const usage = readUsage(isObject(raw) ? raw : undefined, "5m");
  const cost = usage === undefined ? most(body) : usageCost(model, usage);
  return { model, cost, seen: ok(`${model} answered a call with it, for ${dollars(cost)}`) };
}

type Body = { readonly model: string; readonly max_tokens: number };

const most = (body: Body) =>
  worstCase({
    model: body.model,
    inputTokens: mostInputTokens({ bytes: Buffer.byteLength(JSON.stringify(body)), images: 0, documents: 0 }),
    maxOutputTokens: body.max_tokens,
    cacheTtl: "5m",
  });

const ApiError = z.object({ error: z.object({ message: z.string() }) });

function saidIn(text: string): string {
  const said = ApiError.safeParse(parseObject(text)).data?.error.message ?? "";
  return visible(said).replaceAll(/\s+/g, " ").slice(0, 200);
}

const newKey =
  "Make a key (https://platform.claude.com/settings/keys), set ANTHROPIC_API_KEY for the service and here, and start the service again.";

function cureOf(status: number, said: string): string {
  if (status === 401 || status === 403) return newKey;
  if (status === 402 || /\bcredit|billing\b/i.test(said))
    return "Pay for more (https://platform.claude.com/settings/billing), or set ANTHROPIC_API_KEY to the key of another account.";
  if (status === 404) return "Name models that this key may use (agent.models), or look at agent.api_url.";
  return "Try again in a while; the API's own state: https://status.claude.com";
}
