/** The purse of model calls, filled from the ledger: each call is a slice against every ceiling of its task. */
import type { AttemptId } from "../core/ids.ts";
import { budgetWords, ceilingsUntil, type Budgets } from "../core/budget.ts";
import { after, hourMs } from "../core/instant.ts";
import { minus, noMoney, plus, type MicroUsd } from "../core/money.ts";
import { modelPrice } from "../core/pricing.ts";
import { readAccount, type Account } from "../records/account.ts";
import { charged, draw, settle, type ScopeUse, type Slice } from "../records/ledger.ts";
import { payerOf, type Used } from "../records/ledger-entry.ts";
import type { GatewayWorld } from "./door.ts";
import type { CallCost, Hold, Purse, Reserved } from "./model/purse.ts";

/** No answer takes as long; one that ends after a midnight is charged to the new day. */
const longestCallMs = hourMs;

type World = Pick<GatewayWorld, "store" | "clock"> & { readonly budgets: Budgets };

export function ledgerPurse(world: World): Purse {
  const { store, clock } = world;
  return {
    async open(attempt) {
      const account = await readAccount(store, { attempt, settings: world.budgets, now: clock.now() });
      if (account === undefined) return undefined;
      let { opening } = account;
      return {
        gone: account.gone,
        ceiling: account.task.ceiling,
        async reserve(id, amount) {
          const first = await reserve(world, { account, attempt, id, amount, opening });
          if (first !== "taken") return first;
          // Another call took over what was held for the first one.
          opening = undefined;
          const second = await reserve(world, { account, attempt, id, amount, opening });
          return second === "taken" ? none : second;
        },
      };
    },
  };
}

interface Reservation {
  readonly account: Account;
  readonly attempt: AttemptId;
  readonly id: string;
  readonly amount: MicroUsd;
  readonly opening: Slice | undefined;
}

const none: Reserved = { ok: false, because: "No money is left.", left: noMoney };

async function reserve(world: World, asked: Reservation): Promise<Reserved | "taken"> {
  const { account, attempt, id, amount, opening } = asked;
  const now = world.clock.now();
  const until = after(now, longestCallMs);
  const payer = payerOf(account.task.origin);
  const drawn = await draw(
    world.store,
    { id, kind: "model", attempt, payer, amount, drawnAt: now, until },
    { ceilings: ceilingsUntil(account.task, account.budgets, { from: now, until }), instead: opening },
  );
  if (drawn.ok) return { ok: true, hold: holdOf(world, drawn.slice) };
  if (drawn.because === "taken") return "taken";
  if (drawn.because === "closed") return { ok: false, because: "The attempt has ended.", left: noMoney };
  const [tightest] = drawn.short;
  if (tightest === undefined) return none;
  return { ok: false, because: shortWords(tightest), left: leftOf(tightest, opening) };
}

const holdOf = ({ store, clock }: World, slice: Slice): Hold => ({
  charge(cost) {
    const now = clock.now();
    return settle(store, slice, charged(cost.amount, now, usedBy(cost)), now);
  },
});

function usedBy({ model, usage, isWorstCase }: CallCost): Used {
  const { inferenceGeo: _, ...tokens } = usage ?? {};
  return {
    model,
    ...(modelPrice(model).known ? {} : { unknownModel: true }),
    ...(isWorstCase ? { worstCase: true } : {}),
    ...tokens,
  };
}

/** What was held for the first call is this one's, where no other call takes it first. */
const leftOf = ({ ceiling, used }: ScopeUse, opening: Slice | undefined): MicroUsd =>
  minus(plus(ceiling.most, opening?.scopes.includes(ceiling.scope) === true ? opening.amount : noMoney), used);

const shortWords = (tightest: ScopeUse): string => `${budgetWords(tightest)} are spent or reserved.`;
