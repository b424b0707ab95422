/** A service dies at every call while a task waits for one GPU and then another: there is never a second sandbox, nor a lost one. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { isEnded } from "../../src/core/task.ts";
import { monthMoney } from "../../src/records/spending.ts";
import type { Moment } from "../world/life.ts";
import { expectLedger } from "../world/ledger.ts";
import { world, type World } from "../world/world.ts";

/** What dies is started again at once. */
async function live(w: World, ms: number): Promise<void> {
  for (const until = w.now() + ms; w.now() < until;) {
    await w.pass(10 * secondMs);
    if (!w.life.isOver) continue;
    await w.restart();
    await w.reconcile();
    await w.deliver();
  }
}

/** How many calls the first service had made when its runner spoke. */
async function scenario(w: World): Promise<number> {
  w.sandboxes.cards("H100", "taken");
  w.sandboxes.cards("A100", "taken");
  await w.comment("/parhelia run --gpu H100,A100 --budget $100 train it");
  await live(w, 80 * secondMs);
  w.sandboxes.cards("A100", "free");
  await live(w, 30 * secondMs);
  const calls = w.life.calls.length;
  expect(w.sandboxes.living()).toHaveLength(1);
  expect(w.sandboxes.waiting()).toEqual([]);
  await w.inside().says();
  await live(w, minuteMs);
  await w.inside().ends();
  await live(w, 2 * minuteMs);
  const task = await w.task();
  expect(isEnded(task) && task.state).toBe("succeeded");
  expect(w.sandboxes.made).toHaveLength(1);
  const [billed] = w.sandboxes.bill();
  const { compute } = await monthMoney(w.store, w.now());
  const perHour = w.sandboxes.pricePerHour({ cpu: 2, memoryMiB: 4096, gpu: "A100" });
  // Never below the bill; above it by no more than the time until somebody looked.
  expect(compute).toBeGreaterThanOrEqual(Math.floor((perHour * (billed?.ms ?? 0)) / (60 * minuteMs)));
  expect(compute).toBeLessThan(usd(1));
  expect((await expectLedger(w.store, w.now())).open.size).toBe(0);
  return calls;
}

const limits = { maxWaitMs: 2 * minuteMs };

test("wherever it dies before its runner speaks", { timeout: 600_000 }, async () => {
  let calls = 0;
  await world(
    async (w) => {
      calls = await scenario(w);
    },
    { limits },
  );
  expect(calls).toBeGreaterThan(20);
  // The first is the delivery itself: a lost one is another test.s matter.
  for (let nth = 2; nth <= calls; nth += 1) {
    for (const when of ["before", "after"] as const) {
      const death: Moment = { nth, when };
      await world(
        async (w) => {
          await scenario(w);
          w.takeFaults();
        },
        { limits, death },
      ).catch((error: unknown) => {
        throw new Error(`It died ${when} call ${nth} of ${calls}.`, { cause: error });
      });
    }
  }
});
