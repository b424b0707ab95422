/** One of several processes that want the last money of one purse: draws as often as told, and says how much it was given. */
import { parseArgs } from "node:util";
import type { Ceiling } from "../../src/core/budget.ts";
import { attemptId, TaskId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import { microUsd, usd } from "../../src/core/money.ts";
import { draw } from "../../src/records/ledger.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const { values } = parseArgs({
  options: {
    me: { type: "string", default: "" },
    path: { type: "string" },
    url: { type: "string", default: "" },
    token: { type: "string", default: "" },
    draws: { type: "string", default: "1" },
  },
});
const { me, path, url, token } = values;
const store = path === undefined ? openRedisStore({ url, token, replica: me }) : openSqliteStore({ path });
const now = Instant.parse(Date.UTC(2026, 10, 25, 14));
const repository: Ceiling = {
  scope: "repository/r1/2026-11-25",
  kind: "repository",
  of: "acme/widgets",
  period: "today",
  most: usd(10),
};

let given = 0;
let times = 0;
const all = Array.from({ length: Number(values.draws) }, async (_, n) => {
  const task = TaskId.parse(`t_${me}${String(n).padStart(7, "0")}`);
  // From one to sixty cents, each another amount.
  const amount = microUsd(10_000 + ((n * 7919) % 590_000));
  const own: Ceiling = { scope: `task/${task}`, kind: "task", of: "this task", period: "", most: usd(5) };
  const slice = {
    id: `compute/${task}-1`,
    kind: "compute",
    attempt: attemptId(task, 1),
    amount,
    drawnAt: now,
  } as const;
  const drawn = await draw(store, slice, { ceilings: [own, repository] });
  if (!drawn.ok) return;
  given += amount;
  times += 1;
});
await Promise.all(all);
await store.close();
process.stdout.write(JSON.stringify({ given, times }));
