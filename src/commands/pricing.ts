/** `pricing`: the dated tables that everything is charged by, and what a month of use comes to by them. */
import { z } from "zod";
import {
  computePerHour,
  computePricesAsOf,
  computePricesSource,
  gpuType,
  gpuTypes,
  publishedPrices,
  storageUsdPerGbMonth,
  type ComputePrices,
} from "../core/compute-prices.ts";
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { hourMs, minuteMs } from "../core/instant.ts";
import type { MicroUsd } from "../core/money.ts";
import {
  computePrice,
  modelPrice,
  modelPricesSource,
  pricedModels,
  pricesAsOf,
  webSearchPrice,
  type TokenPrices,
} from "../core/pricing.ts";
import { Refusal } from "../core/refusal.ts";
import { command, type Answer, type RunDefaults } from "./command.ts";

export const pricing = command({
  name: "pricing",
  usage: "pricing [name]",
  summary: "Show what models and machines cost, or one of them, and what a month of use comes to.",
  needs: "none",
  surfaces: ["comment", "terminal", "mcp"],
  options: [],
  positional: { kind: "word", key: "name" },
  examples: ["pricing", "pricing claude-opus-5-5", "pricing H100"],
  json: true,
  input: z.strictObject({ name: z.string().max(100).describe("A model or a type of GPU").optional() }),
  async run({ name }, { defaults }) {
    if (name !== undefined) return oneRow(name, defaults.prices);
    const data = prices(defaults);
    return { words: wholeTable(data), data };
  },
});

/** US dollars per million tokens. */
interface ModelRow {
  readonly model: string;
  /** The row holds for prompts above so many tokens, cached parts included. */
  readonly above_prompt_tokens?: number;
  readonly input_usd: number;
  readonly output_usd: number;
  readonly cache_write_5m_usd: number;
  readonly cache_write_1h_usd: number;
  readonly cache_read_usd: number;
}

interface ComputeRow {
  readonly resource: string;
  readonly per_second_usd: number;
  readonly per_hour_usd: number;
}

interface LoadRow {
  readonly use: string;
  readonly runs_a_month: number;
  readonly minutes_a_run: number;
  readonly hours_a_month: number;
  readonly month_usd: number;
}

/** Everything that `pricing` shows, for programs. Amounts are US dollars. */
export interface Prices {
  readonly models: {
    readonly as_of: string;
    readonly source: string;
    readonly per_million_tokens: readonly ModelRow[];
  };
  readonly web_search_usd: number;
  readonly compute: {
    readonly as_of: string;
    readonly source: string;
    readonly prices: readonly ComputeRow[];
    readonly own: readonly string[];
  };
  readonly region_factors: { readonly broad: number; readonly narrow: number };
  readonly storage_usd_per_gb_month: number;
  readonly usual_sandbox: { readonly cpu: number; readonly memory_mib: number; readonly per_hour_usd: number };
  readonly months: readonly LoadRow[];
}

/** `usual` is the sandbox of a run that asks for nothing else. */
export function prices(usual: Pick<RunDefaults, "cpu" | "memoryMiB" | "prices">): Prices {
  const { perSecond, regions, own } = usual.prices ?? publishedPrices;
  const perHour = computePerHour(usual, usual.prices);
  return {
    models: {
      as_of: pricesAsOf,
      source: modelPricesSource,
      per_million_tokens: pricedModels().flatMap(modelRows),
    },
    web_search_usd: inDollars(webSearchPrice),
    compute: { as_of: computePricesAsOf, source: computePricesSource, prices: computeRows(perSecond), own },
    region_factors: { broad: regions.broad / 100, narrow: regions.narrow / 100 },
    storage_usd_per_gb_month: storageUsdPerGbMonth,
    usual_sandbox: { cpu: usual.cpu, memory_mib: usual.memoryMiB, per_hour_usd: inDollars(perHour) },
    months: monthsOfUse(perHour),
  };
}

const inDollars = (amount: number): number => amount / 1e6;

const tokenRow = (model: string, price: TokenPrices): ModelRow => ({
  model,
  input_usd: inDollars(price.input),
  output_usd: inDollars(price.output),
  cache_write_5m_usd: inDollars(price.cacheWrite5m),
  cache_write_1h_usd: inDollars(price.cacheWrite1h),
  cache_read_usd: inDollars(price.cacheRead),
});

function modelRows(model: string): ModelRow[] {
  const price = modelPrice(model);
  const { longPrompt } = price;
  if (longPrompt === undefined) return [tokenRow(model, price)];
  return [
    tokenRow(model, price),
    { ...tokenRow(model, longPrompt), above_prompt_tokens: longPrompt.abovePromptTokens },
  ];
}

const computeRow = (resource: string, perSecond: number): ComputeRow => ({
  resource,
  per_second_usd: perSecond,
  // As it is charged: whole micro-dollars an hour.
  per_hour_usd: Math.round(perSecond * 3600 * 1e6) / 1e6,
});

const resourceNames: Readonly<Record<string, string>> = { cpu: "CPU core", memory: "GiB of memory" };

const computeRows = (perSecond: ComputePrices["perSecond"]): ComputeRow[] =>
  Object.entries(perSecond).map(([name, amount]) => computeRow(resourceNames[name] ?? name, amount));

const ownWords = (own: readonly string[]): Markdown =>
  `Set by the operator of this service: ${own.map((name) => resourceNames[name] ?? name).join(", ")}.`;

const daysOfMonth = 30;

/** Loads of guide §3.2: tasks of ten minutes; an end-to-end run a day ends after its 30 minutes at the latest (guide §2.2b). */
const loads = [
  { use: "light, 10 tasks a day", runsADay: 10, minutes: 10 },
  { use: "medium, 50 tasks a day", runsADay: 50, minutes: 10 },
  { use: "heavy, 100 tasks a day", runsADay: 100, minutes: 10 },
  { use: "end-to-end test, 1 a day", runsADay: 1, minutes: 30 },
] as const;

/** What months of use cost in sandboxes of this price. The guide typed these figures; here they are computed. */
export function monthsOfUse(perHour: MicroUsd): LoadRow[] {
  return loads.map(({ use, runsADay, minutes }) => {
    const runs = runsADay * daysOfMonth;
    const ms = runs * minutes * minuteMs;
    return {
      use,
      runs_a_month: runs,
      minutes_a_run: minutes,
      hours_a_month: ms / hourMs,
      month_usd: inDollars(computePrice(perHour, ms)),
    };
  });
}

/** As a price list writes it: at least two decimals, and no zeros behind them. */
const figure = (amount: number): string => amount.toFixed(8).replace(/(\.\d\d\d*?)0*$/, "$1");

const row = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;

const table = (head: readonly string[], rows: readonly (readonly string[])[]): Markdown =>
  [row(head), row(head.map((_, place) => (place === 0 ? "---" : "---:"))), ...rows.map(row)].join("\n");

const modelTable = (rows: readonly ModelRow[]): Markdown =>
  table(
    ["model", "input", "output", "cache write, 5 min", "cache write, 1 h", "cache read"],
    rows.map((each) => [
      `${inlineCode(each.model)}${above(each.above_prompt_tokens)}`,
      ...[each.input_usd, each.output_usd, each.cache_write_5m_usd, each.cache_write_1h_usd, each.cache_read_usd].map(
        figure,
      ),
    ]),
  );

const above = (tokens: number | undefined): string =>
  tokens === undefined ? "" : `, prompt above ${tokens.toLocaleString("en")} tokens`;

const computeTable = (rows: readonly ComputeRow[]): Markdown =>
  table(
    ["resource", "a second", "an hour"],
    rows.map((each) => [each.resource, figure(each.per_second_usd), figure(each.per_hour_usd)]),
  );

const modelHead = `**Models**, US dollars per million tokens, as of ${pricesAsOf}, from the [price list](${modelPricesSource}):`;
const computeHead = `**Sandboxes on Modal**, US dollars, as of ${computePricesAsOf}, from the [price list](${computePricesSource}):`;

function wholeTable(all: Prices): Markdown {
  const { cpu, memory_mib, per_hour_usd } = all.usual_sandbox;
  return [
    "### Prices",
    modelHead,
    modelTable(all.models.per_million_tokens),
    `A model that is not in the table is charged the dearest price of each kind. An answer made in the US only costs a tenth more. Agents are not given the API's own web search; one would cost $${figure(all.web_search_usd)}.`,
    computeHead,
    computeTable(all.compute.prices),
    ...(all.compute.own.length === 0 ? [] : [ownWords(all.compute.own)]),
    `A sandbox costs what it was given for the time it is there. A chosen region makes it ${all.region_factors.broad} times as dear, a narrow one ${all.region_factors.narrow} times. Storage costs $${figure(all.storage_usd_per_gb_month)} per GB and month. On the service's own machine a sandbox costs what the operator has set.`,
    `**A month** (${daysOfMonth} days) in sandboxes on Modal with ${cpu} CPU cores and ${memory_mib / 1024} GiB of memory, $${figure(per_hour_usd)} an hour; what models cost comes on top:`,
    table(
      ["use", "minutes a run", "hours", "US dollars"],
      all.months.map((each) => [
        each.use,
        String(each.minutes_a_run),
        String(each.hours_a_month),
        each.month_usd.toFixed(2),
      ]),
    ),
  ].join("\n\n");
}

/** A model that the table does not have is shown with what it would be charged. */
function oneRow(name: string, { perSecond, own }: ComputePrices = publishedPrices): Answer {
  const type = gpuType(name);
  if (type !== undefined) {
    const row = computeRow(type.name, perSecond[type.name] ?? type.perSecondUsd);
    const isOwn = own.includes(type.name);
    const words = [computeHead, computeTable([row]), ...(isOwn ? [ownWords([type.name])] : [])].join("\n\n");
    return { words, data: { as_of: computePricesAsOf, ...row, own: isOwn } };
  }
  const model = name.toLowerCase();
  // A pipe would end the cell of the table.
  if (!/^claude-[\w.:@/-]+$/.test(model)) throw new Refusal(noPrice(name));
  const rows = modelRows(model);
  const { known } = modelPrice(model);
  const shown = `${modelHead}\n\n${modelTable(rows)}`;
  const data = { as_of: pricesAsOf, known, per_million_tokens: rows };
  return { words: known ? shown : `${shown}\n\n${unknownModel}`, data };
}

const unknownModel = "The table does not have this model, so it is charged the dearest price of each kind.";

const noPrice = (name: string): Markdown =>
  `There is no price for ${inlineCode(name)}. Name a model (${inlineCode("claude-opus-5-5")}) or a GPU (${gpuTypes.map((type) => type.name).join(", ")}), or nothing for all.`;
