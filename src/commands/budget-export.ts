/** `budget export`: the ledger of one month, line by line. Here is what is asked and whether it adds up; the terminal writes it. */
import { z } from "zod";
import { monthOf } from "../core/budget.ts";
import { count } from "../core/headline.ts";
import { inlineCode, type Markdown } from "../core/markdown.ts";
import { dollars, microUsd } from "../core/money.ts";
import { checkLedger, type Checked } from "../records/check-ledger.ts";
import { command } from "./command.ts";

export const ExportInput = z.strictObject({
  month: z
    .string()
    .regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, "Write the month like `2026-11`.")
    .describe("Month of UTC, such as 2026-11; this month without it")
    .optional(),
  format: z.enum(["jsonl", "csv"], "There are two formats: `jsonl` (a JSON object a line) and `csv`.").optional(),
  file: z.string().max(4096).describe("A new file").optional(),
});

export const budgetExport = command({
  name: "budget export",
  usage: "budget export [--month <month>] [--format jsonl|csv] [file]",
  summary:
    "Write every line of a month's ledger to a new file, or to a pipe: what was reserved, charged, given back and adjusted, for whom and at which prices. Then it is counted: where a sum disagrees, that is said and the exit code is 1.",
  needs: "admin",
  surfaces: ["terminal"],
  options: [
    { name: "month", key: "month", value: "<month>", summary: "such as `2026-11`; this month unless you say" },
    { name: "format", key: "format", value: "jsonl|csv", summary: "`csv` for a file of that name, or else `jsonl`" },
  ],
  positional: { kind: "word", key: "file" },
  examples: ["budget export", "budget export --month 2026-11 november.csv"],
  input: ExportInput,
  async run({ month: asked }, { store, now }) {
    const month = asked ?? monthOf(now);
    const checked = await checkLedger(store, now, month);
    return { words: checkedWords(checked, month), data: { month, agrees: agrees(checked), ...checked } };
  },
});

const agrees = ({ wrong, broken }: Checked): boolean => wrong.length === 0 && broken.length === 0;

const shownAtMost = 10;

function checkedWords(checked: Checked, month: string): Markdown {
  const { lines, wrong, broken } = checked;
  if (lines === 0) return `The ledger has no lines of ${month}. They are kept for 14 months.`;
  const counted = `${count(lines, "line")} of ${month}`;
  if (agrees(checked)) return `${counted}; every sum of the month is what they come to.`;
  const faults = [
    ...wrong.map(({ counter, is, shouldBe }) => `${inlineCode(counter)} is ${usd(is)} and should be ${usd(shouldBe)}`),
    ...broken.map((slice) => `${inlineCode(slice)} was not drawn and settled exactly once`),
  ];
  const more = faults.length - shownAtMost;
  return [
    `${counted}, and the ledger disagrees with its sums:`,
    [...faults.slice(0, shownAtMost), ...(more > 0 ? [`and ${more} more`] : [])]
      .map((fault) => `- ${fault}`)
      .join("\n"),
    "One of the two is wrong. Keep this export, and report it as a fault of Parhelia.",
  ].join("\n\n");
}

const usd = (amount: number): string => `${amount < 0 ? "−" : ""}${dollars(microUsd(Math.abs(amount)))}`;
