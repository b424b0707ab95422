/**
 * Reads what a call used from the API's own count. Where the count holds something that the price table does not
 * cover, it gives no usage at all, and the caller charges the worst case instead.
 */
import type { CacheTtl, ModelUsage } from "../../core/pricing.ts";
import { isObject, type JsonObject } from "./json.ts";

/** A later count replaces an earlier one field by field; a field that is left out or null keeps its value. */
export function laterUsage(before: JsonObject | undefined, next: unknown): JsonObject | undefined {
  if (!isObject(next)) return before;
  const given = Object.fromEntries(Object.entries(next).filter(([, value]) => value !== null && value !== undefined));
  return { ...before, ...given };
}

/** No call counts so many of anything; the sums of what is below stay within what money can be. */
const mostCounted = 1_000_000_000;

const counted = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 && value <= mostCounted ? value : undefined;

const countedOrNone = (value: unknown): number | undefined =>
  value === undefined || value === null ? 0 : counted(value);

/** A search of the web has a price in the table; a page that was fetched costs no more than its tokens. */
const pricedTools: ReadonlySet<string> = new Set(["web_search_requests", "web_fetch_requests"]);

/** Calls beside the one that was asked for, other tools that the API ran, and fast answers have prices of their own. */
function beyondTheTable(raw: JsonObject): boolean {
  const rounds = raw["iterations"];
  if (Array.isArray(rounds) && rounds.some((round: unknown) => !isObject(round) || round["type"] !== "message")) {
    return true;
  }
  if (Object.entries(toolsServed(raw)).some(([name, count]) => !pricedTools.has(name) && countedOrNone(count) !== 0)) {
    return true;
  }
  return raw["speed"] === "fast";
}

const toolsServed = (raw: JsonObject): JsonObject => {
  const served = raw["server_tool_use"];
  return isObject(served) ? served : {};
};

/** `cacheTtl` prices cache writes that the count does not divide by lifetime. */
export function readUsage(raw: JsonObject | undefined, cacheTtl: CacheTtl): ModelUsage | undefined {
  if (raw === undefined || beyondTheTable(raw)) return undefined;
  const split = isObject(raw["cache_creation"]) ? raw["cache_creation"] : {};
  const inputTokens = counted(raw["input_tokens"]);
  const outputTokens = counted(raw["output_tokens"]);
  const cacheReadTokens = countedOrNone(raw["cache_read_input_tokens"]);
  const written = countedOrNone(raw["cache_creation_input_tokens"]);
  const fiveMinutes = countedOrNone(split["ephemeral_5m_input_tokens"]);
  const oneHour = countedOrNone(split["ephemeral_1h_input_tokens"]);
  const webSearches = countedOrNone(toolsServed(raw)["web_search_requests"]);
  if (inputTokens === undefined || outputTokens === undefined || cacheReadTokens === undefined) return undefined;
  if (written === undefined || fiveMinutes === undefined || oneHour === undefined) return undefined;
  if (webSearches === undefined) return undefined;
  const undivided = Math.max(0, written - fiveMinutes - oneHour);
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWrite5mTokens: fiveMinutes + (cacheTtl === "5m" ? undivided : 0),
    cacheWrite1hTokens: oneHour + (cacheTtl === "1h" ? undivided : 0),
    ...(webSearches === 0 ? {} : { webSearches }),
    ...(typeof raw["inference_geo"] === "string" ? { inferenceGeo: raw["inference_geo"] } : {}),
  };
}
