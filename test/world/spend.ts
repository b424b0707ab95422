/** Money that was spent on chosen days, as an attempt's draws and charges leave it. */
import { sharedCeilings, type Budgets } from "../../src/core/budget.ts";
import { AttemptId, InstallationId } from "../../src/core/ids.ts";
import type { Instant } from "../../src/core/instant.ts";
import type { MicroUsd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Origin } from "../../src/core/task.ts";
import { payerOf, type Meter, type Used } from "../../src/records/ledger-entry.ts";
import { charged, draw, settle, type Slice } from "../../src/records/ledger.ts";

const nothing = { day: undefined, month: undefined };
const unbounded: Budgets = { user: nothing, repository: nothing, installation: nothing, service: nothing };

export const atIssue = (repository: number, login: string): Origin => ({
  place: {
    kind: "issue",
    installation: InstallationId.parse(1),
    repository: { id: repository, owner: "acme", name: repository === 10 ? "widgets" : "secrets" },
    number: 1,
    pullRequest: false,
  },
  actor: { id: login.length, login },
});

let slices = 0;

export interface Spending {
  readonly at: Instant;
  readonly amount: MicroUsd;
  readonly origin: Origin;
  readonly meter?: Meter;
}

/** A slice that is held and not settled. */
export async function hold(store: Store, { at, amount, origin, meter = "model" }: Spending): Promise<Slice> {
  const attempt = AttemptId.parse("t_7k2m9x4q-1");
  const id = `${attempt}/${meter}/${(slices += 1)}`;
  const payer = payerOf(origin);
  const drawn = await draw(
    store,
    { id, kind: meter, attempt, amount, drawnAt: at, payer },
    { ceilings: sharedCeilings(origin, unbounded, at) },
  );
  if (!drawn.ok) throw new Error("the slice was refused");
  return drawn.slice;
}

export async function spend(store: Store, spending: Spending, used?: Used): Promise<void> {
  const { at, amount } = spending;
  await settle(store, await hold(store, spending), charged(amount, at, used), at);
}
