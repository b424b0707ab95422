/** `estimate` and `run --dry-run`: what they say with and without history, what stands in the way, and that nothing starts. */
import { afterEach, beforeEach, expect, test } from "vitest";
import { answer, type Context } from "../../src/commands/execute.ts";
import { parseArgv, parseComment } from "../../src/commands/parse.ts";
import type { Answer, Asker } from "../../src/commands/command.ts";
import type { Budgets } from "../../src/core/budget.ts";
import { TaskId } from "../../src/core/ids.ts";
import { after, dayMs, Instant, minuteMs } from "../../src/core/instant.ts";
import { noMoney, usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { Refusal } from "../../src/core/refusal.ts";
import type { Role } from "../../src/core/role.ts";
import { settingsFrom } from "../../src/core/settings/settings.ts";
import { specFrom, type RunInput } from "../../src/commands/run.ts";
import { counters } from "../../src/records/document.ts";
import { halt } from "../../src/records/halt.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { forTerminal } from "../../src/terminal/words.ts";
import { pastRun, type PastTask } from "../world/past-run.ts";
import { atIssue, hold, spend } from "../world/spend.ts";
import { settings as noSettings, startLimits } from "../world/start-limits.ts";
import { world } from "../world/world.ts";

const now = Instant.parse(Date.parse("2026-11-25T12:00:00Z"));
const nothing = { day: undefined, month: undefined };
const budgets: Budgets = {
  user: { day: usd(20), month: undefined },
  repository: { day: usd(20), month: usd(100) },
  installation: { day: undefined, month: usd(50) },
  service: { day: undefined, month: usd(200) },
};
const unbounded: Budgets = { user: nothing, repository: nothing, installation: nothing, service: nothing };
const defaults = { timeoutMs: 60 * minuteMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };
const dana = atIssue(10, "dana");
const terminal: Asker = { place: { kind: "terminal", directory: "/srv/widgets" }, actor: { id: 0, login: "olly" } };

let store: Store;
let ops = 0;
beforeEach(() => {
  store = openSqliteStore({ path: ":memory:" });
});
afterEach(() => store.close());

interface Around {
  readonly held?: Role;
  readonly budgets?: Budgets;
  readonly limits?: Partial<Context["limits"]>;
  /** Tables of the repository's settings. */
  readonly file?: object;
}

const settingsOf = (file: object) => async () => {
  const read = settingsFrom(file);
  if (!read.ok) throw new Error("these settings do not hold");
  return read.settings;
};

const context = ({ held = "write", file, ...around }: Around): Context => ({
  store,
  forge: { authority: async () => held, settings: file === undefined ? noSettings : settingsOf(file) },
  ids: { task: () => TaskId.parse("t_ccccccc3") },
  defaults,
  budgets: around.budgets ?? budgets,
  limits: { ...startLimits, ...around.limits },
  now,
  op: `op-${(ops += 1)}`,
});

function carriedOut(words: string, asker: Asker, around: Around = {}): Promise<Answer> {
  const said = asker === terminal ? parseArgv(words.split(" ")) : parseComment(`/parhelia ${words}`)[0];
  if (said?.kind !== "command") throw new Error(said?.message ?? "no command");
  return answer({ command: said.name, input: said.input, asker, context: context(around) });
}

const inComment = async (words: string, around?: Around): Promise<string> =>
  (await carriedOut(words, dana, around)).words;
const atTerminal = async (words: string, around?: Around): Promise<string> =>
  forTerminal((await carriedOut(words, terminal, around)).words);
const data = async (words: string, around?: Around): Promise<unknown> =>
  (await carriedOut(words, terminal, around)).data;

/** So many runs of minutes that are told apart by their length, and dearer the longer they took. */
async function history(count: number, input: RunInput, more: Partial<PastTask> = {}): Promise<void> {
  for (let n = 1; n <= count; n += 1)
    await pastRun(store, {
      origin: dana,
      spec: specFrom(input, defaults),
      endedAt: after(now, -3 * dayMs),
      ms: n * minuteMs,
      model: usd(n / 10),
      ...more,
    });
}

test("without history: the bound, the ceilings, and that it would start", async () => {
  expect(await inComment("estimate run fix the flaky test")).toMatchInlineSnapshot(`
    "No finished run of an agent that chooses its model is known in acme/widgets yet, so only what bounds it can be told.

    - It costs at most **$5.00**, its budget; of that, the sandbox takes up to **$0.36** in its time of 1h, at $0.36 an hour.
    - Its budget is the ceiling that applies; the next is $0.00 of $20.00 of dana today used or reserved.
    - It would start now: a slot and the money for it are free.

    Nothing was started."
  `);
  expect(await atTerminal("estimate run -- npm test")).toMatchInlineSnapshot(`
    "No finished run of npm is known in /srv/widgets yet, so only what bounds it can be told.

    - It costs at most $0.38: the sandbox for its time of 1h and what comes before and after it, at $0.36 an hour. A plain command calls no model. A sandbox that is lost is made again, within its budget of $5.00.
    - Its budget is the ceiling that applies; the next is $0.00 of $20.00 of olly today used or reserved.
    - It would start now: a slot and the money for it are free.

    Nothing was started."
  `);
});

test("with history: half and nine of ten of the similar runs", async () => {
  await history(20, { instruction: "mend it" });
  await history(3, { argv: ["npm", "test"] });
  expect(await inComment("estimate run fix the flaky test")).toMatchInlineSnapshot(`
    "Of the newest 20 runs of an agent that chooses its model in acme/widgets, half took at most **10m** and cost at most **$1.06**; nine of ten took at most **18m** and cost at most **$1.91**.

    - It costs at most **$5.00**, its budget; of that, the sandbox takes up to **$0.36** in its time of 1h, at $0.36 an hour.
    - Its budget is the ceiling that applies; the next is $0.00 of $20.00 of dana today used or reserved.
    - It would start now: a slot and the money for it are free.

    Nothing was started."
  `);
  expect(await inComment("estimate run -- npm run lint")).toMatchInlineSnapshot(`
    "Only 3 finished runs of \`npm\` are known in acme/widgets, too few to tell more than what bounds it.

    - It costs at most **$0.38**: the sandbox for its time of 1h and what comes before and after it, at $0.36 an hour. A plain command calls no model. A sandbox that is lost is made again, within its budget of $5.00.
    - Its budget is the ceiling that applies; the next is $0.00 of $20.00 of dana today used or reserved.
    - It would start now: a slot and the money for it are free.

    Nothing was started."
  `);
  await history(1, { argv: ["make"] });
  expect(await inComment("estimate run -- make")).toContain("Only 1 finished run of `make` is known in acme/widgets,");
});

test("a GPU is named, and a sandbox without a price has none", async () => {
  const limits = { pricePerHour: () => usd(4.3) };
  expect(await inComment("estimate run --gpu H100 --timeout 2h --budget $20 train it", { limits }))
    .toMatchInlineSnapshot(`
    "No finished run of an agent that chooses its model on GPU \`H100\` is known in acme/widgets yet, so only what bounds it can be told.

    - It costs at most **$20.00**, its budget; of that, the sandbox with GPU \`H100\` takes up to **$8.60** in its time of 2h, at $4.30 an hour.
    - Its budget is the ceiling that applies; the next is $0.00 of $20.00 of dana today used or reserved.
    - It would start now: a slot and the money for it are free.

    Nothing was started."
  `);
  expect(await inComment("estimate run x", { limits: { pricePerHour: () => noMoney } })).toContain(
    "- It costs at most **$5.00**, its budget; for the sandbox this service counts no price.\n",
  );
});

test("for programs", async () => {
  expect(await data("estimate run -- npm test")).toMatchInlineSnapshot(`
    {
      "admitted": true,
      "because": null,
      "ceiling": {
        "ceiling_usd": 5,
        "of": "this task",
        "period": "task",
        "used_usd": 0,
      },
      "cost_usd": null,
      "duration_seconds": null,
      "most_usd": 0.384,
      "needs_approval": false,
      "per_hour_usd": 0.36,
      "runs": 0,
      "sandbox_usd": 0.36,
    }
  `);
  await history(10, { argv: ["npm", "ci"] }, { origin: terminal, model: noMoney });
  expect(await data("estimate run -- npm test")).toMatchObject({
    runs: 10,
    duration_seconds: { p50: 300, p90: 540 },
    cost_usd: { p50: 0.03, p90: 0.054 },
  });
  expect(await data("estimate run -- npm test", { budgets: unbounded })).toMatchObject({
    ceiling: { of: "this task", period: "task", ceiling_usd: 5, used_usd: 0 },
  });
});

test("a ceiling that leaves less than the budget is named, and one that is too low to start", async () => {
  await spend(store, { at: now, amount: usd(16), origin: dana });
  expect(await inComment("estimate run -- make")).toContain(
    "- The ceiling that applies leaves less than its budget: $16.00 of $20.00 of dana today used or reserved.\n- It would start now:",
  );
  await hold(store, { at: now, amount: usd(3.7), origin: dana });
  expect(await inComment("estimate run -- make")).toMatchInlineSnapshot(`
    "No finished run of \`make\` is known in acme/widgets yet, so only what bounds it can be told.

    - It costs at most **$0.38**: the sandbox for its time of 1h and what comes before and after it, at $0.36 an hour. A plain command calls no model. A sandbox that is lost is made again, within its budget of $5.00.
    - It would not start now: it needs $0.38 for its sandbox, with $19.70 of $20.00 of dana today used or reserved.

    Nothing was started."
  `);
  expect(await inComment("estimate run fix it")).toContain("for its sandbox and the first call of its model");
  expect((await carriedOut("estimate run -- make", dana)).data).toMatchObject({
    admitted: false,
    because: "it needs $0.38 for its sandbox, with $19.70 of $20.00 of dana today used or reserved",
    ceiling: { of: "dana", period: "day", ceiling_usd: 20, used_usd: 19.7 },
  });
});

test("what others spend of the whole is told where it bounds, and not before", async () => {
  const service = { ...unbounded, service: { day: undefined, month: usd(200) } };
  await spend(store, { at: now, amount: usd(150), origin: atIssue(20, "eve") });
  expect(await inComment("estimate run -- make", { budgets: service })).not.toContain("$150");
  expect(await atTerminal("estimate run -- make", { budgets: service })).toContain(
    "Its budget is the ceiling that applies; the next is $150.00 of $200.00 of this service this month used or reserved.",
  );
  await spend(store, { at: now, amount: usd(49), origin: atIssue(20, "eve") });
  expect(await inComment("estimate run -- make", { budgets: service })).toContain(
    "leaves less than its budget: $199.00 of $200.00 of this service this month used or reserved.",
  );
});

test("what stands in the way of a start", async () => {
  const because = async (words: string, around?: Around): Promise<string> => {
    const [, found = ""] =
      /- (It would not start now: .*|You may not start it\. .*)\n/.exec(await inComment(words, around)) ?? [];
    return found;
  };
  expect(await because("estimate run -- make", { held: "read" })).toBe(
    "You may not start it. I can't do that: `run` needs **write** access to `acme/widgets`, and you have **read**. Somebody with that access can ask for it in a comment of their own.",
  );
  expect(await because("estimate run -- make", { file: { who: { command: { role: "admin" } } } })).toContain(
    "You may not start it. I can't do that: `run` needs **admin** access",
  );
  expect(await because("estimate run --budget 0.1 -- make")).toBe(
    "It would not start now: its budget does not cover the sandbox for all of its time and what comes before and after it, which is $0.38.",
  );
  await store.commit({ op: "busy", now, add: [{ counter: counters.running, by: 10 }] });
  expect(await because("estimate run -- make")).toBe(
    "It would not start now: all 10 slots for sandboxes are taken, so it would wait for one.",
  );
  await halt(store, { by: "olly", because: "we move *house*", now, op: "halt" });
  expect(await because("estimate run -- make")).toBe(
    String.raw`It would not start now: new starts are halted by the operator (we move \*house\*).`,
  );
});

test("what the backend refuses is said in its words, and nobody's word is needed for it", async () => {
  const accept = (): void => {
    throw new Refusal("The local backend has no GPU, so H100 cannot be had: ask without one, or use Modal.");
  };
  const limits = { accept, confirmAbove: usd(2) };
  const said = await inComment("estimate run --gpu H100 train", { limits });
  expect(said).toContain("\n- It would be refused. The local backend has no GPU, so H100 cannot be had");
  expect(said).not.toContain("approval");
  expect(await data("estimate run --gpu H100 train", { limits })).toMatchObject({
    admitted: false,
    needs_approval: false,
  });
});

test("a plain command that costs nothing", async () => {
  expect(await inComment("estimate run -- make", { limits: { pricePerHour: () => noMoney } })).toContain(
    "- It costs **nothing**: a plain command calls no model, and for the sandbox this service counts no price.\n",
  );
});

test("nobody reads in a repository where they may not", async () => {
  await expect(inComment("estimate run -- make", { held: "none" })).rejects.toThrow(
    "I can't do that: `estimate` needs **read** access to `acme/widgets`",
  );
});

test("whether a maintainer has to agree: by the service's settings or the repository's, and by what is likely", async () => {
  const limits = { confirmAbove: usd(2) };
  expect(await inComment("estimate run fix it", { limits })).toContain(
    "\n- It would wait for approval: it may cost $5.00, and above $2.00 a maintainer has to agree.\n- It would start then: a slot",
  );
  expect(await data("estimate run fix it", { limits })).toMatchObject({ needs_approval: true, admitted: true });
  expect(await inComment("estimate run --budget 2 fix it", { limits })).not.toContain("approval");
  const file = { approval: { confirm_above: "$1" } };
  expect(await inComment("estimate run --budget 2 fix it", { limits, file })).toContain("above $1.00 a maintainer");
  await history(10, { instruction: "mend it" });
  expect(await inComment("estimate run fix it", { limits })).not.toContain("approval");
});

test("the repository's settings count: they fill in and lower, and what they refuse is refused here", async () => {
  const file = { budget: { task: "$1", repository_day: "$0.50" }, sandbox: { timeout: "30m", gpu: "H100" } };
  const said = await inComment("estimate run fix it", { file });
  expect(said).toContain(
    "at most **$1.00**, its budget; of that, the sandbox with GPU `H100` takes up to **$0.18** in its time of 30m",
  );
  expect(await inComment("estimate run -- make", { file })).toContain(
    "leaves less than its budget: $0.00 of $0.50 of acme/widgets today used or reserved.",
  );
  await expect(inComment("estimate run --budget 3 -- make", { file })).rejects.toThrow(
    "A task may cost at most $1.00 here",
  );
});

test.each([
  ["estimate", ""],
  ["estimate fix it", "fix"],
  ["estimate run", ""],
  ["estimate run --gpu H1000 train", "H1000"],
  ["estimate run --timeout 90 train", "90"],
  ["estimate run --dry-run train", "--dry-run"],
  ["run --dry-run --budget lots train", "lots"],
  ["run --dry-run --model x -- npm test", "x"],
  ["run --dry-run", ""],
  ["run --dry-run=yes train", "--dry-run=yes"],
  ["run --dryrun train", "--dryrun"],
])("wrong, with the place: %s", (words, marked) => {
  for (const said of [parseArgv(words.split(" ")), parseComment(`/parhelia ${words}`)[0]]) {
    if (said?.kind !== "wrong") throw new Error(`"${words}" was read`);
    const [, line = "", mark = ""] = said.message.split("\n");
    expect(line.slice(mark.indexOf("^"), mark.length)).toBe(marked);
  }
});

test("`run --dry-run` is read as the estimate of the same run", () => {
  for (const [words, input] of [
    ["--budget 3 fix it", { budget: "3", instruction: "fix it" }],
    ["--no-publish -- npm test", { publish: false, argv: ["npm", "test"] }],
  ] as const) {
    const read = { kind: "command", line: 1, name: "estimate", input };
    for (const line of [
      `run --dry-run ${words}`,
      `Run ${words.replace(/(?=fix|-- )/, "--dry-run ")}`,
      `estimate run ${words}`,
      `estimate ${words.startsWith("--") ? words : ""}`,
    ]) {
      expect(parseArgv(line.split(" "))).toEqual(read);
      expect(parseComment(`/parhelia ${line}`)).toEqual([read]);
    }
  }
  expect(parseComment("/parhelia run fix the --dry-run flag")).toMatchObject([{ name: "run" }]);
  expect(parseComment("/parhelia run -- make --dry-run")).toMatchObject([{ name: "run" }]);
});

test("at a terminal `run --dry-run` makes no task", async () => {
  expect(await atTerminal("run --dry-run fix it")).toContain("Nothing was started.");
  expect(await listTasks(store, now, { which: "all", limit: 10 })).toEqual([]);
});

test("in a comment neither makes a task, and a run beside them does", () =>
  world(async (w) => {
    await w.comment("/parhelia run --dry-run -- make\n/parhelia estimate run fix it");
    await w.dispatch();
    expect(await w.tasks()).toEqual([]);
    expect(w.said()).toEqual([expect.stringMatching(/Nothing was started\.\n\n---\n\n[^]*Nothing was started\./)]);
    expect(w.sandboxes.living()).toEqual([]);
    await w.comment("/parhelia run --dry-run -- make\n/parhelia run -- make");
    await w.dispatch();
    expect((await w.tasks()).length).toBe(1);
    await w.inside().says();
    await w.inside().ends();
    await w.dispatch();
    await w.comment("/parhelia estimate run -- make");
    await w.dispatch();
    expect(w.said().at(-1)).toContain("Only 1 finished run of `make` is known in acme/widgets");
  }));
