/**
 * What things cost: the one dated price table of the service, and the sums made from it. Every amount is rounded up
 * and every unknown is taken at its dearest, so that the ledger is never below the bill.
 *
 * Prices as of 2026-11-24, in US dollars per million tokens, and per search of the web. Source: the published list,
 * https://platform.claude.com/docs/en/about-claude/pricing, and the pages of single models below
 * https://platform.claude.com/docs/en/models/ (Haiku 5.5 has two bands by prompt length), and for the Fable and Mythos 5.2
 * row the list that Claude Code 2.1.330 carries for its own estimate.
 */
import { microUsd, type MicroUsd } from "./money.ts";

export const pricesAsOf = "2026-11-24";

/** Micro-dollars per million tokens. */
export interface TokenPrices {
  readonly input: number;
  readonly output: number;
  readonly cacheWrite5m: number;
  readonly cacheWrite1h: number;
  readonly cacheRead: number;
}

export interface ModelPrice extends TokenPrices {
  /** False where the model is not in the table and the dearest price of every kind was taken. */
  readonly known: boolean;
  /** The prices of the whole call once its prompt, cached parts included, is above so many tokens. */
  readonly longPrompt?: TokenPrices & { readonly abovePromptTokens: number };
}

/** How long the longest-lived cache entry lives that a request may write. */
export type CacheTtl = "5m" | "1h";

/** What one call used, as the Messages API counts it: no token is in two of these. */
export interface ModelUsage {
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheWrite5mTokens: number;
  readonly cacheWrite1hTokens: number;
  readonly cacheReadTokens: number;
  /** Where the model ran, as the answer says it; "us" costs a tenth more. */
  readonly inferenceGeo?: string;
  /** Searches of the web that the API made for the answer; what they found is counted in the tokens. */
  readonly webSearches?: number;
}

const perMillion = (dollars: readonly [number, number, number, number, number]): TokenPrices => ({
  input: Math.round(dollars[0] * 1e6),
  output: Math.round(dollars[1] * 1e6),
  cacheWrite5m: Math.round(dollars[2] * 1e6),
  cacheWrite1h: Math.round(dollars[3] * 1e6),
  cacheRead: Math.round(dollars[4] * 1e6),
});

// Columns: input, output, cache write for 5 minutes, cache write for 1 hour, cache read.
const fable52 = perMillion([8, 40, 10, 16, 0.2]);
const fable51 = perMillion([10, 50, 12.5, 20, 0.25]);
const fable5 = perMillion([10, 50, 12.5, 20, 1]);
const opus55 = perMillion([4, 20, 5, 8, 0.2]);
const opus5 = perMillion([5, 25, 6.25, 10, 0.5]);
const opus4 = perMillion([15, 75, 18.75, 30, 1.5]);
const sonnet55 = perMillion([2, 10, 2.5, 4, 0.1]);
const sonnet5 = perMillion([2, 10, 2.5, 4, 0.2]);
const sonnet4 = perMillion([3, 15, 3.75, 6, 0.3]);
const haiku45 = perMillion([1, 5, 1.25, 2, 0.1]);
const haiku55 = {
  ...perMillion([0.1, 0.5, 0.125, 0.2, 0.01]),
  longPrompt: { abovePromptTokens: 100_000, ...perMillion([0.5, 2.5, 0.625, 1, 0.05]) },
};

/** One search of the web by the API; fetching a page costs no more than its tokens. */
export const webSearchPrice: MicroUsd = microUsd(10_000);

const table = new Map<string, Omit<ModelPrice, "known">>([
  ["claude-fable-5-2", fable52],
  ["claude-mythos-5-2", fable52],
  ["claude-fable-5-1", fable51],
  ["claude-mythos-5-1", fable51],
  ["claude-fable-5", fable5],
  ["claude-mythos-5", fable5],
  ["claude-opus-5-5", opus55],
  ["claude-opus-5", opus5],
  ["claude-opus-4-8", opus5],
  ["claude-opus-4-7", opus5],
  ["claude-opus-4-6", opus5],
  ["claude-opus-4-5", opus5],
  ["claude-opus-4-1", opus4],
  ["claude-opus-4-0", opus4],
  ["claude-opus-4", opus4],
  ["claude-sonnet-5-5", sonnet55],
  ["claude-sonnet-5", sonnet5],
  ["claude-sonnet-4-6", sonnet4],
  ["claude-sonnet-4-5", sonnet4],
  ["claude-sonnet-4-0", sonnet4],
  ["claude-sonnet-4", sonnet4],
  ["claude-haiku-5-5", haiku55],
  ["claude-haiku-4-5", haiku45],
]);

const dearestOf = (column: keyof TokenPrices): number =>
  Math.max(...[...table.values()].map((price) => Math.max(price[column], price.longPrompt?.[column] ?? 0)));

const dearest: ModelPrice = {
  known: false,
  input: dearestOf("input"),
  output: dearestOf("output"),
  cacheWrite5m: dearestOf("cacheWrite5m"),
  cacheWrite1h: dearestOf("cacheWrite1h"),
  cacheRead: dearestOf("cacheRead"),
};

/** `claude-haiku-4-5-20251001` names a dated release of `claude-haiku-4-5`, at the same price. */
export const withoutReleaseDate = (model: string): string => model.replace(/-20\d{6}$/, "");

/** Every model in the table. */
export const pricedModels = (): string[] => [...table.keys()];

/** The list that the prices of models are from. */
export const modelPricesSource = "https://platform.claude.com/docs/en/about-claude/pricing";

/** The price of a model. One that the table does not have costs the dearest of every kind and says `known: false`. */
export function modelPrice(model: string): ModelPrice {
  const price = table.get(withoutReleaseDate(model));
  return price === undefined ? dearest : { known: true, ...price };
}

const bandOf = (price: ModelPrice, promptTokens: number): TokenPrices =>
  price.longPrompt !== undefined && promptTokens > price.longPrompt.abovePromptTokens ? price.longPrompt : price;

/** Rounded up. BigInt, because a million tokens at 75,000,000, summed, leave the integers that a double counts. */
export const ceilDiv = (amount: bigint, by: bigint): bigint => (amount + by - 1n) / by;

/** In tenths, so that the tenth more for "us" stays an integer. */
const geoTenths = (geo: string | undefined): bigint => (geo === "us" ? 11n : 10n);

/** What a call cost, rounded up to a whole micro-dollar. Token counts are integers from 0. */
export function usageCost(model: string, usage: ModelUsage): MicroUsd {
  const promptTokens = usage.inputTokens + usage.cacheWrite5mTokens + usage.cacheWrite1hTokens + usage.cacheReadTokens;
  const price = bandOf(modelPrice(model), promptTokens);
  const total =
    BigInt(usage.inputTokens) * BigInt(price.input) +
    BigInt(usage.outputTokens) * BigInt(price.output) +
    BigInt(usage.cacheWrite5mTokens) * BigInt(price.cacheWrite5m) +
    BigInt(usage.cacheWrite1hTokens) * BigInt(price.cacheWrite1h) +
    BigInt(usage.cacheReadTokens) * BigInt(price.cacheRead);
  const forTokens = Number(ceilDiv(total * geoTenths(usage.inferenceGeo), 10_000_000n));
  return microUsd(forTokens + (usage.webSearches ?? 0) * webSearchPrice);
}

/**
 * What a call has used at most whose answer was cut: all that was counted until then, and all the output that it might
 * still have given. Where it ran counts as the dearer place until the answer has said so.
 */
export const cutUsage = (seen: ModelUsage, maxOutputTokens: number): ModelUsage => ({
  ...seen,
  outputTokens: Math.max(seen.outputTokens, maxOutputTokens),
  inferenceGeo: seen.inferenceGeo === undefined || seen.inferenceGeo === "" ? "us" : seen.inferenceGeo,
});

/** What of a request bears on how many tokens its input can be. */
export interface RequestSize {
  /** Of the JSON body, as it is sent. */
  readonly bytes: number;
  readonly images: number;
  /** PDF files, whose pages are compressed. */
  readonly documents: number;
}

/** No model takes a longer prompt (context window of all current models). */
const contextTokens = 1_000_000;
/** The most that one image can count (models since Opus 4.7; earlier ones take 1,600). */
const tokensPerImage = 4784;
/** What the API adds by itself: the instructions for tool use and the marks between messages. */
const addedTokens = 2000;

/**
 * The most input tokens that a request can be counted as. A token stands for at least one byte of the body, save in
 * images and in compressed documents: few bytes of a document can be as many pages as the context window takes.
 */
export function mostInputTokens(size: RequestSize): number {
  if (size.documents > 0) return contextTokens;
  return Math.min(contextTokens, size.bytes + size.images * tokensPerImage + addedTokens);
}

export interface ModelCall {
  readonly model: string;
  /** A bound from `mostInputTokens`. */
  readonly inputTokens: number;
  readonly maxOutputTokens: number;
  readonly cacheTtl: CacheTtl;
}

const dearestInput = (price: TokenPrices, ttl: CacheTtl): number =>
  Math.max(price.input, price.cacheWrite5m, ttl === "1h" ? price.cacheWrite1h : 0);

/** The most that a call can cost: all its input written to the cache, all the output that it may give, in any place. */
export function worstCase(call: ModelCall): MicroUsd {
  const price = bandOf(modelPrice(call.model), call.inputTokens);
  const total =
    BigInt(call.inputTokens) * BigInt(dearestInput(price, call.cacheTtl)) +
    BigInt(call.maxOutputTokens) * BigInt(price.output);
  return microUsd(Number(ceilDiv(total * geoTenths("us"), 10_000_000n)));
}

/** The most output tokens with which the worst case of a call stays within `left`; 0 where its input alone does not. */
export function affordableOutputTokens(call: Omit<ModelCall, "maxOutputTokens">, left: MicroUsd): number {
  const price = bandOf(modelPrice(call.model), call.inputTokens);
  const tenths = BigInt(left) * 10_000_000n;
  const forInput = BigInt(call.inputTokens) * BigInt(dearestInput(price, call.cacheTtl)) * geoTenths("us");
  if (forInput >= tenths) return 0;
  return Number((tenths - forInput) / (BigInt(price.output) * geoTenths("us")));
}

const hourMs = 3_600_000;

/** What a sandbox cost that was there for `ms` milliseconds, rounded up to a whole micro-dollar. */
export function computePrice(microUsdPerHour: MicroUsd, ms: number): MicroUsd {
  const wholeMs = BigInt(Math.max(0, Math.ceil(ms)));
  return microUsd(Number(ceilDiv(BigInt(microUsdPerHour) * wholeMs, BigInt(hourMs))));
}
