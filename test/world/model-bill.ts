/**
 * What the stand-in for the model counts and bills. Written from the published price list and apart from the
 * service's own table on purpose: a test that compares the two must not compare a table with itself.
 */
import { microUsd, type MicroUsd } from "../../src/core/money.ts";

export interface Usage {
  readonly input: number;
  readonly output: number;
  readonly write5m: number;
  readonly write1h: number;
  readonly read: number;
}

/** Thousandths of a micro-dollar for one token. */
type Rates = readonly [input: number, output: number, write5m: number, write1h: number, read: number];

function ratesOf(model: string, promptTokens: number): Rates {
  if (model.startsWith("claude-fable-5-2")) return [8000, 40_000, 10_000, 16_000, 200];
  if (model.startsWith("claude-opus-5-5")) return [4000, 20_000, 5000, 8000, 200];
  if (model.startsWith("claude-opus-5")) return [5000, 25_000, 6250, 10_000, 500];
  if (model.startsWith("claude-sonnet-5-5")) return [2000, 10_000, 2500, 4000, 100];
  if (model.startsWith("claude-haiku-4-5")) return [1000, 5000, 1250, 2000, 100];
  if (model.startsWith("claude-haiku-5-5")) {
    return promptTokens > 100_000 ? [500, 2500, 625, 1000, 50] : [100, 500, 125, 200, 10];
  }
  throw new Error(`The stand-in for the model has no price for ${model}`);
}

/** Rounded up to a whole micro-dollar. */
export function billed(model: string, usage: Usage): MicroUsd {
  const [input, output, write5m, write1h, read] = ratesOf(
    model,
    usage.input + usage.write5m + usage.write1h + usage.read,
  );
  const thousandths =
    usage.input * input + usage.output * output + usage.write5m * write5m + usage.write1h * write1h + usage.read * read;
  return microUsd(Math.ceil(thousandths / 1000));
}

/** As the Messages API writes it at the start of an answer, with one output token as a placeholder. */
export const usageAtStart = (usage: Usage): object => ({
  ...usageAtEnd({ ...usage, output: 1 }),
  cache_creation: { ephemeral_5m_input_tokens: usage.write5m, ephemeral_1h_input_tokens: usage.write1h },
  service_tier: "standard",
});

/** As it writes it at the end of a stream: sums, without the division of cache writes by lifetime. */
export const usageAtEnd = (usage: Usage): object => ({
  input_tokens: usage.input,
  output_tokens: usage.output,
  cache_creation_input_tokens: usage.write5m + usage.write1h,
  cache_read_input_tokens: usage.read,
});
