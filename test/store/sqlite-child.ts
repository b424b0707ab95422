/** Another process on the same database, for sqlite-processes.test.ts: `sqlite-child.ts <what to do> <path>`. */
import { writeSync } from "node:fs";
import { once } from "node:events";
import { Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { lockEngine } from "../../src/store/sqlite/engine-lock.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const now = Instant.parse(1_800_000_000_000);

/** Written at once: what the parent reads was said before the next statement ran, also when this process is killed there. */
const say = (line: string | number): void => void writeSync(1, `${line}\n`);
const toldToGoOn = (): Promise<unknown> => once(process.stdin, "data");

/** 32 commits in flight for ever; says the number of each one after the store has acknowledged it. */
async function commitForEver(store: Store): Promise<void> {
  const [start] = await store.look(now, [{ counter: "done" }]);
  let last = start;
  const one = async (): Promise<void> => {
    for (;;) {
      const number = ++last;
      const key = `document/${process.pid}/${number}`;
      const result = await store.commit({
        op: key,
        now,
        versions: [[key, 0]],
        add: [{ counter: "done", by: 1 }],
        put: [{ key, value: number, entries: [["all", String(number).padStart(9, "0")]] }],
        append: [{ log: "done", values: [key] }],
      });
      if (result.ok) say(key);
    }
  };
  await Promise.all(Array.from({ length: 32 }, one));
}

/** Takes one at a time from a counter that ends at 150; says how many it got. */
async function draw(store: Store): Promise<void> {
  say("ready");
  await toldToGoOn();
  let got = 0;
  for (let number = 0; number < 100; number++) {
    const op = `${process.pid}/${number}`;
    const result = await store.commit({ op, now, add: [{ counter: "drawn", by: 1, max: 150 }] });
    if (result.ok) got += 1;
  }
  say(got);
}

const [what, path = ""] = process.argv.slice(2);
switch (what) {
  case "lock":
    say(lockEngine(path) === undefined ? "taken" : "locked");
    break;
  case "open":
    say("ready");
    await toldToGoOn();
    openSqliteStore({ path });
    say("opened");
    break;
  case "commit":
    await commitForEver(openSqliteStore({ path }));
    break;
  case "draw":
    await draw(openSqliteStore({ path }));
    break;
  default:
    throw new Error(`unknown: ${what}`);
}
// Keeps what was opened until the parent ends this process or goes away.
process.stdin.resume();
