/** How people write sizes, times and money, each with one reading and one sentence about what it takes. */
import { z } from "zod";
import { gpuNames, gpuType, readGpu } from "./compute-prices.ts";
import { dayMs, hourMs, minuteMs, secondMs } from "./instant.ts";
import { inlineCode } from "./markdown.ts";
import { usd } from "./money.ts";
import { nearestOf } from "./nearest.ts";

/** Files may give the number itself, and variables of the environment give text alone. */
export const textual = z.union([z.string(), z.number()]).transform(String);

/** A schema over text whose reader returns undefined for what it cannot read. */
const reading = <T>(description: string, read: (text: string) => T | undefined, cure: (text: string) => string) =>
  z
    .string()
    .describe(description)
    .transform((text, context): T => {
      const value = read(text.trim());
      if (value !== undefined) return value;
      context.issues.push({ code: "custom", input: text, message: cure(text.trim()) });
      return z.NEVER;
    });

/** A number with an optional unit: `1.5GiB`; undefined for everything else, nothing and infinity among it. */
function measure(text: string, units: Readonly<Record<string, number>>): number | undefined {
  const [, digits = "", unit = ""] = /^(\d{1,9}(?:\.\d{1,6})?) ?([a-zA-Z]*)$/.exec(text) ?? [];
  const each = units[unit.toLowerCase()];
  const value = Number(digits) * (each ?? 0);
  return digits !== "" && each !== undefined && value > 0 ? value : undefined;
}

/** Sandboxes live for a day at most (a limit of Modal's), and time to start and to publish comes on top. */
const longestMs = 23 * hourMs;
const timeUnits = { s: secondMs, sec: secondMs, m: minuteMs, min: minuteMs, h: hourMs, d: dayMs };

function readTime(text: string): number | undefined {
  // `1h30m` is two measures; `90` alone could be seconds or minutes, so it is refused.
  const pieces = text.replace(/\s+/g, "").match(/\d+(?:\.\d+)?[a-z]+/gi) ?? [];
  if (pieces.length === 0 || pieces.join("") !== text.replace(/\s+/g, "")) return undefined;
  const values = pieces.map((piece) => measure(piece, timeUnits));
  const total = values.reduce<number>((sum, value) => sum + (value ?? Number.NaN), 0);
  return total >= secondMs && total <= longestMs ? Math.round(total) : undefined;
}

export const TimeoutMs = reading(
  "Time for the work, such as 30m or 1h30m",
  readTime,
  (text) => `${inlineCode(text)} is not a time between 1s and 23h. Write it with its unit: \`30m\`, \`1h\`, \`1h30m\`.`,
);

const readBudget = (text: string) => {
  const value = measure(text.replace(/^(?:\$|USD ?)|(?:\$| ?USD)$/gi, ""), { "": 1 });
  return value !== undefined && value <= 10_000 ? usd(value) : undefined;
};

export const Budget = reading(
  "What the task may cost, in US dollars, such as $5 or 0.50",
  readBudget,
  (text) => `${inlineCode(text)} is not an amount in US dollars. Write it like \`$5\` or \`0.50\`.`,
);

export const Cores = reading(
  "CPU cores, such as 2 or 0.5",
  (text) => measure(text, { "": 1 }),
  (text) => `${inlineCode(text)} is not a number of CPU cores. Write it like \`2\` or \`0.5\`.`,
);

const memoryUnits = { "": 1024, gib: 1024, gb: 1024, g: 1024, mib: 1, mb: 1, m: 1 };

export const MemoryMiB = reading(
  "Memory, in GiB where no unit is given, such as 8 or 512MiB",
  (text) => {
    const value = measure(text, memoryUnits);
    return value !== undefined && value >= 1 ? Math.ceil(value) : undefined;
  },
  (text) => `${inlineCode(text)} is not an amount of memory. Write it like \`8\` (GiB), \`8GiB\` or \`512MiB\`.`,
);

/** As a backend is asked for it, which may refuse more; of several, the first that is free is taken. */
function gpuText(text: string): string | undefined {
  const each = text.split(",").map((name) => oneGpu(name.trim()));
  return each.includes(undefined) ? undefined : [...new Set(each)].join(",");
}

function oneGpu(text: string): string | undefined {
  const gpu = readGpu(text);
  return gpu === undefined ? undefined : `${gpu.type.name}${gpu.count === 1 ? "" : `:${gpu.count}`}`;
}

export const Gpu = reading("GPU type, with its count where more than one: H100 or H100:2", gpuText, (all) => {
  const text =
    all
      .split(",")
      .find((each) => oneGpu(each.trim()) === undefined)
      ?.trim() ?? all;
  const [name = ""] = text.split(":");
  const type = gpuType(name);
  if (type !== undefined) {
    return `${inlineCode(text)}: a sandbox has 1 to ${type.most} GPUs. Write it like \`${type.name}:2\`.`;
  }
  const near = nearestOf(name, gpuNames);
  const hint = near === undefined ? "" : ` Did you mean \`${near}\`?`;
  return `There is no GPU ${inlineCode(name)}.${hint} You can ask for ${gpuNames.join(", ")}.`;
});

/** Names that git could not tell from an option or would not take (git-check-ref-format) are refused before anything runs. */
export const Ref = reading(
  "Branch, tag or commit to start from",
  // oxlint-disable-next-line no-control-regex -- git refuses them
  (text) => (/^(?![-/.])(?!.*(?:\.\.|@\{|\/\/))[^\u0000-\u0020\u007f~^:?*[\\]{1,250}$/.test(text) ? text : undefined),
  (text) => `${inlineCode(text)} cannot be the name of a branch, a tag or a commit.`,
);

export const Host = z.string().regex(/^(?:\*\.)?[a-z0-9.-]+$/i, "is no host name");

export const Model = reading(
  "Name of the model",
  (text) => (/^[A-Za-z0-9][\w.:@/-]{0,99}$/.test(text) ? text : undefined),
  (text) => `${inlineCode(text)} cannot be the name of a model.`,
);
