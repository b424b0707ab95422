/** The family of `budget`: what each shows, who may change what, and that a change outlives the process. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { answer, type Context } from "../../src/commands/execute.ts";
import { parseArgv, parseComment } from "../../src/commands/parse.ts";
import type { Answer, Asker } from "../../src/commands/command.ts";
import type { Budgets } from "../../src/core/budget.ts";
import { TaskId } from "../../src/core/ids.ts";
import { after, dayMs, Instant } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { toTask } from "../../src/commands/run.ts";
import { counters } from "../../src/records/document.ts";
import { createTask } from "../../src/records/create-task.ts";
import { listEvents } from "../../src/records/events.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { forTerminal } from "../../src/terminal/words.ts";
import { expectLedger } from "../world/ledger.ts";
import { atIssue, hold, spend } from "../world/spend.ts";
import { settings as noSettings, startLimits } from "../world/start-limits.ts";

const now = Instant.parse(Date.parse("2026-11-25T12:00:00Z"));
const nothing = { day: undefined, month: undefined };
const settings: Budgets = {
  user: { day: usd(20), month: undefined },
  repository: { day: usd(20), month: usd(100) },
  installation: { day: undefined, month: usd(50) },
  service: { day: undefined, month: usd(200) },
};
const dana = atIssue(10, "dana");
const terminal: Asker = { place: { kind: "terminal", directory: "/srv/parhelia" }, actor: { id: 0, login: "olly" } };

let store: Store;
let ops = 0;
beforeEach(() => {
  store = openSqliteStore({ path: ":memory:" });
});
afterEach(() => store.close());

const context = (more: Partial<Context> = {}): Context => ({
  store,
  forge: { authority: async ({ kind }) => (kind === "terminal" ? "admin" : "read"), settings: noSettings },
  ids: { task: () => TaskId.parse("t_ccccccc3") },
  defaults: { timeoutMs: 3_600_000, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null },
  budgets: settings,
  limits: startLimits,
  now,
  op: `op-${(ops += 1)}`,
  ...more,
});

function carriedOut(words: string, asker: Asker, more?: Partial<Context>): Promise<Answer> {
  const said = asker === terminal ? parseArgv(words.split(" ")) : parseComment(`/parhelia ${words}`)[0];
  if (said?.kind !== "command") throw new Error(said?.message ?? "no command");
  return answer({ command: said.name, input: said.input, asker, context: context(more) });
}

const inComment = async (words: string): Promise<string> => (await carriedOut(words, dana)).words;
const atTerminal = async (words: string, more?: Partial<Context>): Promise<string> =>
  forTerminal((await carriedOut(words, terminal, more)).words);
const asJson = async (words: string, asker: Asker = terminal): Promise<unknown> =>
  (await carriedOut(words, asker)).data;

const before = (days: number): Instant => after(now, -days * dayMs);

/** Some of two repositories, in two months. */
async function someDays(): Promise<void> {
  await spend(store, { at: before(40), amount: usd(3), origin: dana });
  await spend(store, { at: before(3), amount: usd(0.94), origin: dana });
  await spend(store, { at: before(3), amount: usd(0.18), origin: dana, meter: "compute" });
  await spend(store, { at: before(1), amount: usd(8), origin: atIssue(20, "olly") });
  await spend(store, { at: now, amount: usd(2), origin: dana });
  await hold(store, { at: now, amount: usd(0.4), origin: dana, meter: "compute" });
}

test("history: each day of this repository in a comment, from the first that cost something", async () => {
  await someDays();
  expect(await inComment("budget history")).toMatchInlineSnapshot(`
    "Spent by acme/widgets since 2026-10-27: **$3.12**. Days and months are those of UTC.

    | date | model | sandbox | in all | |
    | --- | ---: | ---: | ---: | --- |
    | 2026-11-22 | $0.94 | $0.18 | $1.12 | ███████████ |
    | 2026-11-23 | $0.00 | $0.00 | $0.00 |  |
    | 2026-11-24 | $0.00 | $0.00 | $0.00 |  |
    | 2026-11-25 | $2.00 | $0.00 | $2.00 | ████████████████████ |"
  `);
  expect(await inComment("budget history --days 2")).not.toContain("2026-11-22");
});

test("history at a terminal: the whole service, and this repository where it is asked for", async () => {
  await someDays();
  expect(await atTerminal("budget history --months 3")).toMatchInlineSnapshot(`
    "Spent by this service since 2026-09: $14.12. Days and months are those of UTC.

    date      model  sandbox  in all
    2026-10   $3.00    $0.00   $3.00  █████
    2026-11  $10.94    $0.18  $11.12  ████████████████████"
  `);
  expect(await atTerminal("budget history --repository")).toBe(
    "Nothing was spent by /srv/parhelia since 2026-10-27 (UTC).",
  );
  expect(await asJson("budget history --days 2")).toEqual({
    of: "this service",
    period: "day",
    total_usd: 10,
    spending: [
      { date: "2026-11-24", model_usd: 8, compute_usd: 0, total_usd: 8 },
      { date: "2026-11-25", model_usd: 2, compute_usd: 0, total_usd: 2 },
    ],
  });
});

test("history takes one look, however many days", async () => {
  let looks = 0;
  const counted: Store = { ...store, look: (at, queries) => ((looks += 1), store.look(at, queries)) };
  await carriedOut("budget history --days 366", dana, { store: counted });
  // The other one is for the ceilings that an operator has set.
  expect(looks).toBe(2);
});

test("forecast: where this month leads, with the day on which the ceiling would be reached", async () => {
  await someDays();
  expect(await inComment("budget forecast")).toMatchInlineSnapshot(`
    "Spent by acme/widgets in 2026-11 so far: **$3.12**. Of its ceiling of $100.00, $3.52 are spent or reserved.

    | if it goes on as | a day | by the end of the month | ceiling |
    | --- | ---: | ---: | --- |
    | in this month so far | $0.13 | $3.82 | not reached |
    | in the last 7 days and today | $0.42 | $5.41 | not reached |

    This is a projection: no more is spent than the ceiling allows, whatever it says. Days are those of UTC."
  `);
  await atTerminal("budget set 14");
  expect(await atTerminal("budget forecast")).toMatchInlineSnapshot(`
    "Spent by this service in 2026-11 so far: $11.12. Of its ceiling of $14.00, $11.52 are spent or reserved.

    if it goes on as              a day  by the end of the month  ceiling
    in this month so far          $0.45                   $13.62  reached on 2026-11-30
    in the last 7 days and today  $1.48                   $19.27  reached on 2026-11-27

    This is a projection: no more is spent than the ceiling allows, whatever it says. Days are those of UTC."
  `);
  expect(await asJson("budget forecast")).toMatchInlineSnapshot(`
    {
      "ceiling_usd": 14,
      "month": "2026-11",
      "of": "this service",
      "projections": [
        {
          "as": "month",
          "ceiling_reached_on": "2026-11-30",
          "month_end_usd": 13.616327,
          "per_day_usd": 0.453878,
        },
        {
          "as": "week",
          "ceiling_reached_on": "2026-11-27",
          "month_end_usd": 19.274667,
          "per_day_usd": 1.482667,
        },
      ],
      "spent_usd": 11.12,
      "used_usd": 11.52,
    }
  `);
});

test("set: what it was and what it is, at once and for everybody", async () => {
  await someDays();
  expect(await atTerminal("budget set 50")).toMatchInlineSnapshot(`
    "- This service a month: $50.00, before $200.00

    This holds from now on, on every replica and across restarts, over what the settings say. With default for the amount, the settings hold again."
  `);
  expect(await atTerminal("budget set --user --day none --month $30")).toMatchInlineSnapshot(`
    "- Each person a day: no ceiling, before $20.00
    - Each person a month: $30.00, before no ceiling

    This holds from now on, on every replica and across restarts, over what the settings say. With default for the amount, the settings hold again."
  `);
  expect(await atTerminal("budget set --service --day 5")).toMatchInlineSnapshot(`
    "- This service a day: $5.00, before no ceiling

    This holds from now on, on every replica and across restarts, over what the settings say. With default for the amount, the settings hold again."
  `);
  expect(await inComment("budget")).toMatchInlineSnapshot(`
    "Spent or reserved:

    - dana today: $2.40, no ceiling
    - dana this month: $11.52 of $30.00
    - acme/widgets today: $2.40 of $20.00
    - acme/widgets this month: $3.52 of $100.00"
  `);
  expect(await atTerminal("budget set --user --day default --month default")).toContain(
    "- Each person a day: $20.00, before no ceiling\n- Each person a month: no ceiling, before $30.00",
  );
  expect(await atTerminal("budget set 3")).toContain(
    "$11.52 are spent or reserved this month: what runs goes on with what is reserved for it, and nothing new starts before 2026-12-01 (UTC) unless there is room again.",
  );
  await atTerminal("budget set 50");
  expect(await listEvents(store, now, { level: "info", limit: 4 })).toMatchObject([
    { event: { type: "budget_set", message: "olly set this service a month to $50.00 from $3.00" } },
    { event: { type: "budget_set", message: "olly set this service a month to $3.00 from $50.00" } },
    {
      event: {
        type: "budget_set",
        message: "olly set each person a day to $20.00 from no ceiling, each person a month to no ceiling from $30.00",
      },
    },
    { event: { type: "budget_set", message: "olly set this service a day to $5.00 from no ceiling" } },
  ]);
});

test("what is set outlives the process that set it", async () => {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-budget-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const opened = (): Store => openSqliteStore({ path: join(directory, "state.db") });
  const one = opened();
  const other = opened();
  await atTerminal("budget set --repository --day 3", { store: one });
  await one.close();
  expect(await atTerminal("budget", { store: other })).toContain("/srv/parhelia today: $0.00 of $3.00");
  await other.close();
  const again = opened();
  expect(await atTerminal("budget", { store: again })).toContain("/srv/parhelia today: $0.00 of $3.00");
  await again.close();
});

test("two operators at one time: what each set stays", async () => {
  await Promise.all(
    ["budget set 50", "budget set --user --day 3", "budget set --user --month 9"].map((words) => atTerminal(words)),
  );
  expect(await inComment("budget")).toContain("- dana today: $0.00 of $3.00\n- dana this month: $0.00 of $9.00");
  expect(await asJson("budget")).toMatchObject({ ceiling_usd: 50 });
});

test.each(["budget set 50", "budget set --user --day 3", "budget reset", "budget export", "budget export x.csv"])(
  "from a comment `%s` is refused, and says where it works",
  async (words) => {
    const [, action = ""] = words.split(" ");
    const first = { set: "budget set 50", reset: "budget reset", export: "budget export" }[action] ?? "";
    await expect(inComment(words)).rejects.toThrow(
      `\`budget ${action}\` is for the operator of this service, at a terminal on its machine: \`parhelia ${first}\``,
    );
    expect(await asJson("budget")).toMatchObject({ ceiling_usd: 200 });
  },
);

test("reset: the whole ceiling again, for the service, a person, a repository, an installation", async () => {
  await createTask(store, {
    task: toTask({
      id: TaskId.parse("t_aaaaaaa1"),
      origin: dana,
      spec: {
        work: { kind: "command", argv: ["true"] },
        timeoutMs: 60_000,
        budget: usd(5),
        resources: { cpu: 1, memoryMiB: 64 },
        ref: null,
        publish: true,
      },
      now,
    }),
    now,
    op: "make",
  });
  await someDays();
  expect(await atTerminal("budget reset")).toMatchInlineSnapshot(`
    "- this service this month: $0.40 of $200.00 used or reserved, before $11.52

    What was charged before counts against these ceilings no more. The figures of what was spent stay, and the ledger has a line for it."
  `);
  expect(await atTerminal("budget reset")).toMatchInlineSnapshot(`
    "- this service this month: $0.40 of $200.00 used or reserved, before $0.40

    Nothing was charged against these ceilings since they began or were reset: they stay as they are."
  `);
  expect(await atTerminal("budget reset --user Dana")).toContain(
    "- dana today: $0.40 of $20.00 used or reserved, before $2.40\n\n",
  );
  expect(await asJson("budget reset --repository acme/widgets --month")).toMatchObject({
    reset: [{ scope: "repository", of: "acme/widgets", period: "month", used_usd: 0.4, was_usd: 3.52 }],
  });
  expect(await atTerminal("budget reset --installation 1")).toContain("this installation this month: $0.40 of $50.00");
  await expect(atTerminal("budget reset --user eve")).rejects.toThrow(
    "None of the newest 1000 tasks is of the user `eve`.",
  );
  await expect(atTerminal("budget reset", { budgets: { ...settings, service: nothing } })).rejects.toThrow(
    "No ceiling bounds the service: there is nothing to reset.",
  );
  await expectLedger(store, now);
  expect(await atTerminal("budget history --days 7")).toContain("$11.12");
});

test("show for programs, in the guide's shape: the service's month at a terminal, the tightest in a comment", async () => {
  await someDays();
  await atTerminal("budget set 13");
  expect(await asJson("budget")).toMatchObject({
    ceiling_usd: 13,
    used_usd: 11.52,
    usage_percent: 88.6,
    remaining_usd: 1.48,
    warning_threshold_reached: true,
    is_exceeded: false,
  });
  expect(await asJson("budget", dana)).toMatchInlineSnapshot(`
    {
      "ceiling_usd": 20,
      "ceilings": [
        {
          "ceiling_usd": 20,
          "compute_usd": 0,
          "is_exceeded": false,
          "model_usd": 2,
          "of": "dana",
          "period": "day",
          "remaining_usd": 17.6,
          "renews_at": "2026-11-26T00:00:00.000Z",
          "scope": "user",
          "usage_percent": 12,
          "used_usd": 2.4,
          "warning_threshold_reached": false,
        },
        {
          "ceiling_usd": null,
          "compute_usd": 0.18,
          "is_exceeded": false,
          "model_usd": 10.94,
          "of": "dana",
          "period": "month",
          "remaining_usd": null,
          "renews_at": "2026-12-01T00:00:00.000Z",
          "scope": "user",
          "usage_percent": 0,
          "used_usd": 11.52,
          "warning_threshold_reached": false,
        },
        {
          "ceiling_usd": 20,
          "compute_usd": 0,
          "is_exceeded": false,
          "model_usd": 2,
          "of": "acme/widgets",
          "period": "day",
          "remaining_usd": 17.6,
          "renews_at": "2026-11-26T00:00:00.000Z",
          "scope": "repository",
          "usage_percent": 12,
          "used_usd": 2.4,
          "warning_threshold_reached": false,
        },
        {
          "ceiling_usd": 100,
          "compute_usd": 0.18,
          "is_exceeded": false,
          "model_usd": 2.94,
          "of": "acme/widgets",
          "period": "month",
          "remaining_usd": 96.48,
          "renews_at": "2026-12-01T00:00:00.000Z",
          "scope": "repository",
          "usage_percent": 3.5,
          "used_usd": 3.52,
          "warning_threshold_reached": false,
        },
      ],
      "is_exceeded": false,
      "remaining_usd": 17.6,
      "usage_percent": 12,
      "used_usd": 2.4,
      "warning_threshold_reached": false,
    }
  `);
  await atTerminal("budget set none");
  expect(await asJson("budget show")).toMatchObject({ ceiling_usd: null, remaining_usd: null, is_exceeded: false });
  await atTerminal("budget set 11.52");
  expect(await asJson("budget show")).toMatchObject({ remaining_usd: 0, usage_percent: 100, is_exceeded: true });
});

test("export at a terminal says whether the sums are what the lines come to", async () => {
  expect(await atTerminal("budget export")).toBe("The ledger has no lines of 2026-11. They are kept for 14 months.");
  await someDays();
  expect(await atTerminal("budget export")).toBe("9 lines of 2026-11; every sum of the month is what they come to.");
  expect(await atTerminal("budget export --month 2026-10")).toContain("2 lines of 2026-10; every sum");
  await store.commit({
    op: "by hand",
    now,
    add: [
      { counter: counters.used("service/2026-11"), by: 1_500_000 },
      { counter: counters.spent("repository/r10/2026-11-25", "model"), by: -1 },
      { counter: counters.used("service/2026-10"), by: 1 },
    ],
  });
  expect(await atTerminal("budget export")).toMatchInlineSnapshot(`
    "9 lines of 2026-11, and the ledger disagrees with its sums:

    - used/service/2026-11 is $13.02 and should be $11.52
    - spent/repository/r10/2026-11-25/model is $2.00 and should be $2.00

    One of the two is wrong. Keep this export, and report it as a fault of Parhelia."
  `);
  expect(await asJson("budget export")).toMatchObject({ agrees: false, lines: 9 });
});

test.each([
  ["budget hstory", "hstory", "There is no command `budget hstory`. Did you mean `budget history`?"],
  [
    "budget xyzxyzxyz",
    "xyzxyzxyz",
    "Behind `budget` can stand `show`, `history`, `forecast`, `set`, `reset`, `export`.",
  ],
  ["budget history --weeks 3", "--weeks", "`budget history` has no option `--weeks`."],
  ["budget history --days 0", "0", "`0` is not a number of days between 1 and 366."],
  ["budget history --days 3 --months 2", "2", "Days or months, not both."],
  ["budget history 30", "30", "This is one word too many"],
  ["budget set", "", "Say how much: `budget set 50`"],
  ["budget set --user 3", "3", "Say whether this is for a day or a month"],
  ["budget set --month 4 3", "3", "The month's ceiling is given twice."],
  ["budget set lots", "lots", "`lots` is not an amount in US dollars."],
  ["budget set --user --service --day 3", "--service", "`--service` does not go with `--user`."],
  ["budget set --day 3 --day 4", "--day", "`--day` is given twice."],
  ["budget reset --user dana --repository acme/widgets", "acme/widgets", "One purse at a time: name one."],
  ["budget export --month november", "november", "Write the month like `2026-11`."],
  ["budget export --format xml", "xml", "There are two formats: `jsonl` (a JSON object a line) and `csv`."],
])("wrong: %s", (words, marked, because) => {
  const said = parseArgv(words.split(" "));
  if (said.kind !== "wrong") throw new Error(`"${words}" was read`);
  expect(said.message).toContain(because);
  const [, line = "", mark = ""] = said.message.split("\n");
  expect(line.slice(mark.indexOf("^"), mark.length)).toBe(marked);
});

test.each([
  ["budget t_7k2m41qz", "budget", { task: "t_7k2m41qz" }],
  ["budget show t_7k2m41qz", "budget", { task: "t_7k2m41qz" }],
  ["budget show", "budget", {}],
  ["Budget History --days 7", "budget history", { days: "7" }],
  ["budget set 50 --service", "budget set", { amount: "50", whose: "service" }],
])("read: %s", (words, name, input) => {
  expect(parseComment(`/parhelia ${words}`)).toEqual([{ kind: "command", line: 1, name, input }]);
});
