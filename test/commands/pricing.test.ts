import { expect, test } from "vitest";
import type { Ask } from "../../src/commands/command.ts";
import { execute } from "../../src/commands/execute.ts";
import { monthsOfUse, prices } from "../../src/commands/pricing.ts";
import { computePerHour, pricesWith } from "../../src/core/compute-prices.ts";
import { TaskId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { modelPrice, pricedModels } from "../../src/core/pricing.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { forTerminal } from "../../src/terminal/words.ts";
import { startLimits } from "../world/start-limits.ts";

const unasked = () => Promise.reject(new Error("prices need no store and no right"));
const store: Store = { commit: unasked, look: unasked, onWake: () => () => {}, close: async () => {} };
const defaults: Ask["defaults"] = { timeoutMs: 3_600_000, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };
const unbounded = { day: undefined, month: undefined };

const shown = (name?: string): Promise<string> =>
  execute({
    command: "pricing",
    input: name === undefined ? {} : { name },
    asker: { place: { kind: "terminal", directory: "/src" }, actor: { id: 7, login: "dana" } },
    context: {
      store,
      forge: { authority: unasked, settings: unasked },
      ids: { task: () => TaskId.parse("t_aaaaaaa1") },
      defaults,
      budgets: { user: unbounded, repository: unbounded, installation: unbounded, service: unbounded },
      limits: startLimits,
      now: Instant.parse(0),
      op: "pricing",
    },
  });

test("a model alone, with the date and the source of its prices", async () => {
  expect(await shown("claude-haiku-5-5")).toMatchInlineSnapshot(`
    "**Models**, US dollars per million tokens, as of 2026-11-24, from the [price list](https://platform.claude.com/docs/en/about-claude/pricing):

    | model | input | output | cache write, 5 min | cache write, 1 h | cache read |
    | --- | ---: | ---: | ---: | ---: | ---: |
    | \`claude-haiku-5-5\` | 0.10 | 0.50 | 0.125 | 0.20 | 0.01 |
    | \`claude-haiku-5-5\`, prompt above 100,000 tokens | 0.50 | 2.50 | 0.625 | 1.00 | 0.05 |"
  `);
  expect(forTerminal(await shown("claude-haiku-5-5"))).toMatchInlineSnapshot(`
    "Models, US dollars per million tokens, as of 2026-11-24, from the price list (https://platform.claude.com/docs/en/about-claude/pricing):

    model                                          input  output  cache write, 5 min  cache write, 1 h  cache read
    claude-haiku-5-5                                0.10    0.50               0.125              0.20        0.01
    claude-haiku-5-5, prompt above 100,000 tokens   0.50    2.50               0.625              1.00        0.05"
  `);
});

test("a GPU alone, by any of its names", async () => {
  expect(forTerminal(await shown("a10g"))).toMatchInlineSnapshot(`
    "Sandboxes on Modal, US dollars, as of 2026-10, from the price list (https://modal.com/pricing):

    resource  a second  an hour
    A10       0.000306   1.1016"
  `);
});

test("a model that the table does not have is shown with what it is charged", async () => {
  const page = await shown("claude-next-1");
  expect(page).toContain("| `claude-next-1` | 15.00 | 75.00 | 18.75 | 30.00 | 1.50 |");
  expect(page).toContain("charged the dearest price of each kind");
  expect(await shown("claude-haiku-4-5-20251001")).not.toContain("dearest");
});

test("what has no price is refused with what has one", async () => {
  for (const name of ["gpt-9", "claude-a|b", "", "@olly"]) {
    await expect(shown(name)).rejects.toThrow("There is no price for");
  }
});

test("the whole page has every model, every GPU and the months", async () => {
  const page = forTerminal(await shown());
  for (const model of pricedModels()) expect(page).toMatch(new RegExp(`^${model} +\\d`, "m"));
  for (const { resource } of prices(defaults).compute.prices)
    expect(page).toMatch(new RegExp(`^${resource} +0|^${resource} +\\d`, "m"));
  expect(page.slice(page.indexOf("A month"))).toMatchInlineSnapshot(`
    "A month (30 days) in sandboxes on Modal with 2 CPU cores and 4 GiB of memory, $0.380592 an hour; what models cost comes on top:

    use                       minutes a run  hours  US dollars
    light, 10 tasks a day                10     50       19.03
    medium, 50 tasks a day               10    250       95.15
    heavy, 100 tasks a day               10    500      190.30
    end-to-end test, 1 a day             30     15        5.71"
  `);
});

test("the data is what is charged by", () => {
  const data = prices(defaults);
  expect(JSON.parse(JSON.stringify(data))).toEqual(data);
  for (const row of data.models.per_million_tokens) {
    const price = modelPrice(row.model);
    const band = row.above_prompt_tokens === undefined ? price : price.longPrompt;
    expect([row.input_usd, row.output_usd, row.cache_read_usd].map((each) => each * 1e6)).toEqual([
      band?.input,
      band?.output,
      band?.cacheRead,
    ]);
  }
  const perHour = Object.fromEntries(data.compute.prices.map((row) => [row.resource, row.per_hour_usd]));
  const base = (perHour["CPU core"] ?? 0) + (perHour["GiB of memory"] ?? 0);
  expect(computePerHour({ cpu: 1, memoryMiB: 1024 })).toBe(usd(base));
  expect(computePerHour({ cpu: 1, memoryMiB: 1024, gpu: "B200" })).toBe(usd(base + (perHour["B200"] ?? 0)));
});

test("the months are computed: guide §3.2 contradicts the prices of guide §3.1, and is not repeated", () => {
  // US dollars: §3.1 says 0.35 an hour; §3.2 gives these ranges for tasks of ten minutes.
  const guide = [
    { runsADay: 10, says: [3, 10], comesTo: 17.5 },
    { runsADay: 50, says: [15, 50], comesTo: 87.5 },
    { runsADay: 100, says: [50, 150], comesTo: 175 },
  ] as const;
  const months = monthsOfUse(usd(0.35));
  guide.forEach(({ runsADay, says, comesTo }, place) => {
    expect(months[place]?.runs_a_month).toBe(runsADay * 30);
    expect(months[place]?.month_usd).toBe(comesTo);
    expect(comesTo).toBeGreaterThan(says[1]);
  });
  // And of the end-to-end runs: 0.50 for a full one would be 86 minutes at 0.35, where §2.2b ends it after 30.
  expect(months[3]).toMatchObject({ runs_a_month: 30, minutes_a_run: 30, month_usd: 5.25 });
  expect((0.5 / 0.35) * 60).toBeGreaterThan(30);
});

test("prices of the operator's own contract are charged, shown and told apart", () => {
  const own = pricesWith({ H100: 0.0009 }, { broad: 1.25, narrow: undefined });
  const all = prices({ cpu: 2, memoryMiB: 4096, prices: own });
  expect(all.compute.own).toEqual(["H100", "broad regions"]);
  expect(all.compute.prices.find(({ resource }) => resource === "H100")?.per_hour_usd).toBe(3.24);
  expect(all.region_factors).toEqual({ broad: 1.25, narrow: 1.75 });
  const asked = { cpu: 2, memoryMiB: 4096, gpu: "H100:2" };
  expect(computePerHour(asked) - computePerHour(asked, own)).toBe(2 * 709_200);
  expect(computePerHour({ ...asked, regions: ["eu"] }, own)).toBe(Math.ceil(computePerHour(asked, own) * 1.25));
  expect(prices({ cpu: 2, memoryMiB: 4096 }).compute.own).toEqual([]);
});
