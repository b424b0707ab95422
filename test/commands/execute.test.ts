import { afterEach, beforeEach, expect, test } from "vitest";
import { execute, type Context } from "../../src/commands/execute.ts";
import { parseComment } from "../../src/commands/parse.ts";
import { specFrom, toTask } from "../../src/commands/run.ts";
import type { Asker, RunDefaults } from "../../src/commands/command.ts";
import type { Budgets } from "../../src/core/budget.ts";
import { InstallationId, Sha, TaskId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { ended } from "../../src/core/moves.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { Refusal } from "../../src/core/refusal.ts";
import type { Role } from "../../src/core/role.ts";
import { Task, type Actor, type Base, type Place } from "../../src/core/task.ts";
import { createTask } from "../../src/records/create-task.ts";
import { readTask } from "../../src/records/read-task.ts";
import { endTurn, takeTurn } from "../../src/records/turn.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { settings, startLimits } from "../world/start-limits.ts";

const now = Instant.parse(Date.UTC(2026, 10, 25, 14));
const defaults: RunDefaults = { timeoutMs: 3_600_000, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };
const dana: Actor = { id: 7, login: "dana" };
const first = TaskId.parse("t_aaaaaaa1");
const elsewhere = TaskId.parse("t_bbbbbbb2");
const issue = (repository: number, number = 1): Place => ({
  kind: "issue",
  installation: InstallationId.parse(1),
  repository: { id: repository, owner: "acme", name: repository === 10 ? "widgets" : "secrets" },
  number,
  pullRequest: false,
});
const here: Asker = { place: issue(10), actor: dana };

const nothing = { day: undefined, month: undefined };
const budgets: Budgets = {
  user: { day: usd(20), month: undefined },
  repository: { day: usd(20), month: usd(100) },
  installation: nothing,
  service: { day: undefined, month: usd(200) },
};

let store: Store;
let ops = 0;
beforeEach(() => {
  store = openSqliteStore({ path: ":memory:" });
});
afterEach(() => store.close());

const context = (held: Role): Context => ({
  store,
  forge: { authority: async () => held, settings },
  ids: { task: () => TaskId.parse("t_ccccccc3") },
  defaults,
  budgets,
  limits: startLimits,
  now,
  op: `op-${(ops += 1)}`,
});

const say = (words: string, asker: Asker = here, held: Role = "write"): Promise<string> => {
  const [said] = parseComment(`/parhelia ${words}`);
  if (said?.kind !== "command") throw new Error(`"${words}" is no command`);
  return execute({ command: said.name, input: said.input, asker, context: context(held) });
};

const make = async (id: TaskId, place: Place): Promise<void> => {
  const spec = specFrom({ instruction: "fix the `null` check, @olly" }, defaults);
  await createTask(store, { task: toTask({ id, origin: { place, actor: dana }, spec, now }), now, op: `make-${id}` });
};

const base: Base = {
  sha: Sha.parse("a".repeat(40)),
  ref: "main",
  fetchRef: "refs/heads/main",
  url: null,
  into: "main",
  trusted: true,
  head: null,
  quoted: [],
};

const end = async (id: TaskId): Promise<void> => {
  const turn = await takeTurn(store, { task: id, holder: "test", ttlMs: 1000, now, op: `turn-${id}` });
  if (turn === undefined) throw new Error("the task is held by another");
  const finding = {
    verdict: "failed" as const,
    because: "`npm test` exited with 1",
    summary: "",
    tail: "",
    changedFiles: 0,
    left: [],
  };
  await endTurn(store, turn, {
    to: ended({ ...turn.task.value, base }, { finding, now }),
    due: null,
    now,
    op: `end-${id}`,
  });
};

test("case 6: a missing right is refused with the level needed and the level held", async () => {
  await make(first, here.place);
  const refused = say("cancel", here, "read");
  await expect(refused).rejects.toBeInstanceOf(Refusal);
  await expect(refused).rejects.toThrow(
    "I can't do that: `cancel` needs **write** access to `acme/widgets`, and you have **read**. Somebody with that access can ask for it in a comment of their own.",
  );
  expect((await readTask(store, now, first))?.value.cancel).toBeUndefined();
  await expect(say("status", here, "none")).rejects.toThrow("needs **read** access");
});

test("the forge is asked for the person who asks, at the place where they ask", async () => {
  const asked: [Place, Actor][] = [];
  const forge = {
    settings,
    async authority(place: Place, actor: Actor): Promise<Role> {
      asked.push([place, actor]);
      return "write";
    },
  };
  await make(first, here.place);
  await execute({ command: "status", input: {}, asker: here, context: { ...context("none"), forge } });
  await execute({ command: "help", input: {}, asker: here, context: { ...context("none"), forge } });
  expect(asked).toEqual([[here.place, dana]]);
});

test("a right that cannot be looked up is a fault and not a refusal", async () => {
  const broken = new Error("502");
  const forge = { authority: () => Promise.reject(broken), settings };
  const run = execute({ command: "cancel", input: {}, asker: here, context: { ...context("write"), forge } });
  await expect(run).rejects.toBe(broken);
});

test("status, cancel and retry mean the newest task here", async () => {
  await make(first, here.place);
  expect(await say("status", here, "read")).toMatchInlineSnapshot(`
    "**🕒 Queued**

    Task \`t_aaaaaaa1\` (fix the \`null\` check, @​olly)

    Stop it: \`/parhelia cancel t_aaaaaaa1\`"
  `);
  expect(await say("retry")).toMatchInlineSnapshot(`
    "\`t_aaaaaaa1\` (fix the \`null\` check, @​olly) has not ended, so there is nothing to start again: 🕒 Queued

    Stop it first: \`/parhelia cancel t_aaaaaaa1\`"
  `);
  expect(await say("cancel")).toMatchInlineSnapshot(
    `"Stopping \`t_aaaaaaa1\` (fix the \`null\` check, @​olly). What it cost so far stays charged."`,
  );
  expect((await readTask(store, now, first))?.value.cancel).toEqual({ at: now, by: dana });
  expect(await say("cancel")).toMatchInlineSnapshot(
    `"\`t_aaaaaaa1\` (fix the \`null\` check, @​olly) is being stopped already: ⏳ Stopping · $0.00 of $5.00"`,
  );
  await end(first);
  expect(await say("cancel")).toMatchInlineSnapshot(
    `"There is nothing to stop, \`t_aaaaaaa1\` (fix the \`null\` check, @​olly) has ended: ❌ Not started: \`npm test\` exited with 1"`,
  );
  expect(await say("status")).toMatchInlineSnapshot(`
    "**❌ Not started: \`npm test\` exited with 1**

    Task \`t_aaaaaaa1\` (fix the \`null\` check, @​olly)

    Start it again: \`/parhelia retry t_aaaaaaa1\`"
  `);
  expect(await say("retry")).toMatchInlineSnapshot(
    `"Starting \`t_aaaaaaa1\` (fix the \`null\` check, @​olly) again from the commit it began with, for at most another $5.00."`,
  );
  expect((await readTask(store, now, first))?.value.state).toBe("queued");
});

test("a command carried out again after a crash gives the answer that it gave", async () => {
  await make(first, here.place);
  const again = (name: string, op: string) =>
    execute({ command: name, input: {}, asker: here, context: { ...context("write"), op } });
  const cancelled = await again("cancel", "request/1");
  expect(await again("cancel", "request/1")).toBe(cancelled);
  await end(first);
  expect(await again("cancel", "request/1")).toBe(cancelled);
  const retried = await again("retry", "request/2");
  expect(retried).toContain("Starting `t_aaaaaaa1`");
  expect(await again("retry", "request/2")).toBe(retried);
  expect((await readTask(store, now, first))?.value).toMatchObject({ state: "queued", attemptsBefore: 0 });
});

test("budget shows the ceilings that hold for the person here, and to nobody what others spend", async () => {
  await make(first, here.place);
  expect(await say("budget", here, "read")).toMatchInlineSnapshot(`
    "Spent or reserved:

    - dana today: $0.00 of $20.00
    - dana this month: $0.00, no ceiling
    - acme/widgets today: $0.00 of $20.00
    - acme/widgets this month: $0.00 of $100.00"
  `);
  expect(await say(`budget ${first}`, here, "read")).toMatchInlineSnapshot(`
    "\`t_aaaaaaa1\` (fix the \`null\` check, @​olly)

    Spent or reserved:

    - this task: $0.00 of $5.00
    - dana today: $0.00 of $20.00
    - dana this month: $0.00, no ceiling
    - acme/widgets today: $0.00 of $20.00
    - acme/widgets this month: $0.00 of $100.00"
  `);
  const terminal: Asker = { place: { kind: "terminal", directory: "/home/dana/widgets" }, actor: dana };
  expect(await say("budget", terminal, "admin")).toContain("this service this month: $0.00 of $200.00");
});

test("a task of another repository is as unknown as one that never was", async () => {
  await make(elsewhere, issue(20));
  for (const word of ["status", "cancel", "retry", "publish"]) {
    await expect(say(`${word} ${elsewhere}`)).rejects.toThrow(
      new Refusal(`There is no task \`${elsewhere}\` in \`acme/widgets\`.`),
    );
    await expect(say(`${word} t_ddddddd4`)).rejects.toThrow(
      new Refusal("There is no task `t_ddddddd4` in `acme/widgets`."),
    );
    await expect(say(`${word} please`)).rejects.toThrow(new Refusal("There is no task `please` in `acme/widgets`."));
    await expect(say(word)).rejects.toThrow(
      new Refusal("Nothing was asked for here yet. Start with `/parhelia run …`."),
    );
  }
  expect((await readTask(store, now, elsewhere))?.value.cancel).toBeUndefined();
});

test("a task of another issue of the same repository is found by its id", async () => {
  await make(first, issue(10, 2));
  expect(await say(`status ${first}`)).toContain("Queued");
  await expect(say("status")).rejects.toBeInstanceOf(Refusal);
});

test("run at a terminal writes the task down", async () => {
  const asker: Asker = { place: { kind: "terminal", directory: "/src/widgets" }, actor: { id: 0, login: "dana" } };
  expect(await say("run --budget $2 --memory 512MiB --gpu h100:2 fix it", asker, "admin")).toMatchInlineSnapshot(`
    "Queued as \`t_ccccccc3\`, at most 1h and $2.00: fix it

    How it goes: \`parhelia status t_ccccccc3\` · Stop it: \`parhelia cancel t_ccccccc3\`"
  `);
  const task = (await readTask(store, now, TaskId.parse("t_ccccccc3")))?.value;
  expect(Task.parse(task)).toMatchObject({
    state: "queued",
    ceiling: 2_000_000,
    spec: {
      work: { kind: "agent", instruction: "fix it", body: "", model: null },
      resources: { cpu: 2, memoryMiB: 512, gpu: "H100:2" },
      timeoutMs: 3_600_000,
      ref: null,
      publish: true,
    },
  });
  await expect(say("run fix it", asker, "read")).rejects.toThrow("needs **write** access");
});

test("input that fits no command is refused, whoever sends it", async () => {
  const send = (command: string, input: unknown) => execute({ command, input, asker: here, context: context("write") });
  await expect(send("cancle", {})).rejects.toThrow("Did you mean `cancel`?");
  await expect(send("run", { instruction: "x", argv: ["y"] })).rejects.toThrow("one of the two");
  await expect(send("run", { instruction: "x", sudo: true })).rejects.toBeInstanceOf(Refusal);
});
