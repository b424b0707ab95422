/** A purse in memory: one ceiling for each attempt, the same promises as the ledger's. */
import type { AttemptId } from "../../src/core/ids.ts";
import { dollars, microUsd, minus, noMoney, plus, type MicroUsd } from "../../src/core/money.ts";
import type { Purse } from "../../src/gateway/model/purse.ts";

export interface TestPurse extends Purse {
  /** Ends an attempt. */
  shut(attempt: AttemptId): void;
  charges(): readonly MicroUsd[];
  charged(): MicroUsd;
  /** Held now. */
  held(): MicroUsd;
  /** The most that was ever held and charged at once. */
  peak(): MicroUsd;
  /** How often each id was settled. */
  settled(): ReadonlyMap<string, number>;
}

export function openPurse(ceiling: MicroUsd): TestPurse {
  const ended = new Set<AttemptId>();
  const holds = new Map<string, MicroUsd>();
  const charges: MicroUsd[] = [];
  const settled = new Map<string, number>();
  let peak = noMoney;
  const used = (): MicroUsd => plus(...holds.values(), ...charges);
  const tick = (): Promise<void> => new Promise((next) => setImmediate(next));
  const charge = async (id: string, amount: MicroUsd): Promise<void> => {
    await tick();
    settled.set(id, (settled.get(id) ?? 0) + 1);
    if (holds.delete(id)) charges.push(amount);
    peak = microUsd(Math.max(peak, used()));
  };
  return {
    async open(attempt) {
      await tick();
      if (ended.has(attempt)) return undefined;
      return {
        gone: plus(...charges),
        ceiling,
        async reserve(id, amount) {
          await tick();
          if (plus(used(), amount) > ceiling) {
            const because = `${dollars(used())} of ${dollars(ceiling)} are spent or reserved.`;
            return { ok: false, because, left: minus(ceiling, used()) };
          }
          holds.set(id, amount);
          peak = microUsd(Math.max(peak, used()));
          return { ok: true, hold: { charge: (cost) => charge(id, cost.amount) } };
        },
      };
    },
    shut: (attempt) => ended.add(attempt),
    charges: () => charges,
    charged: () => plus(...charges),
    held: () => plus(...holds.values()),
    peak: () => peak,
    settled: () => settled,
  };
}
