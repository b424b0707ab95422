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

const tokens = (value: unknown): number | undefined =>
  typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : undefined;

const tokensOrNone = (value: unknown): number | undefined =>
  value === undefined || value === null ? 0 : tokens(value);

/** Calls beside the one that was asked for, tools that the API ran, and fast answers have prices of their own. */
function beyondTheTable(raw: JsonObject): boolean {
  const rounds = raw["iterations"];
  if (Array.isArray(rounds) && rounds.some((round: unknown) => !isObject(round) || round["type"] !== "message")) {
    return true;
  }
  const served = raw["server_tool_use"];
  if (isObject(served) && Object.values(served).some((count) => typeof count === "number" && count > 0)) return true;
  return raw["speed"] === "fast";
}

/** `cacheTtl` prices cache writes that the count does not divide by lifetime. */
export function readUsage(raw: JsonObject | undefined, cacheTtl: CacheTtl): ModelUsage | undefined {
  if (raw === undefined || beyondTheTable(raw)) return undefined;
  const inputTokens = tokens(raw["input_tokens"]);
  const outputTokens = tokens(raw["output_tokens"]);
  const cacheReadTokens = tokensOrNone(raw["cache_read_input_tokens"]);
  const written = tokensOrNone(raw["cache_creation_input_tokens"]);
  const split = isObject(raw["cache_creation"]) ? raw["cache_creation"] : {};
  const fiveMinutes = tokensOrNone(split["ephemeral_5m_input_tokens"]);
  const oneHour = tokensOrNone(split["ephemeral_1h_input_tokens"]);
  if (inputTokens === undefined || outputTokens === undefined || cacheReadTokens === undefined) return undefined;
  if (written === undefined || fiveMinutes === undefined || oneHour === undefined) return undefined;
  const undivided = Math.max(0, written - fiveMinutes - oneHour);
  return {
    inputTokens,
    outputTokens,
    cacheReadTokens,
    cacheWrite5mTokens: fiveMinutes + (cacheTtl === "5m" ? undivided : 0),
    cacheWrite1hTokens: oneHour + (cacheTtl === "1h" ? undivided : 0),
    ...(typeof raw["inference_geo"] === "string" ? { inferenceGeo: raw["inference_geo"] } : {}),
  };
}
