/**
 * Where the local sandboxes of a shared store live. Replicas see the sandboxes of their own machine and folder alone, and
 * one from elsewhere would take all of them for lost; so the first to start says where it is, and others have to be there.
 */
import { z } from "zod";
import { after, minuteMs, type Instant } from "../core/instant.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";
import { kept, keys } from "./document.ts";

const Home = z.object({ machine: z.string(), root: z.string() });

/** `machine` tells machines apart; `root` is the folder that `.parhelia/` is in. */
export type LocalHome = z.output<typeof Home>;

/** A home that nobody has claimed for so long is given up: its machine may be gone for good. */
const keptMs = 15 * minuteMs;
/** How often a service that runs claims it again. */
const claimEveryMs = 5 * minuteMs;

/** Says that the sandboxes are here. Throws a `Refusal` where they are elsewhere. */
export async function claimLocalHome(
  store: Store,
  { home, now, op }: { home: LocalHome; now: Instant; op: string },
): Promise<void> {
  // A commit is refused where another replica claims at the same time; then its claim is there to be compared.
  for (let attempt = 1; attempt <= triesAtMost; attempt += 1) {
    const [document] = await store.look(now, [{ get: keys.localHome }]);
    const claimed = kept(Home, document);
    if (claimed !== undefined && !isSame(claimed.value, home)) throw new Refusal(elsewhere(claimed.value, home));
    const claim = { key: keys.localHome, value: home, until: after(now, keptMs) };
    const versions = [[keys.localHome, claimed?.version ?? 0]] as const;
    const result = await store.commit({ op: `${op}/${attempt}`, now, versions, put: [claim] });
    if (result.ok) return;
  }
  throw new Error(`The home of the local sandboxes could not be claimed in ${triesAtMost} tries.`);
}

/** A home is claimed by a handful of services, so this is never reached by chance. */
const triesAtMost = 20;

/** Claims the home now and, until the returned function is called, again and again. Throws a `Refusal` as above. */
export async function stayHome(
  home: LocalHome,
  { store, clock, ids, log }: { store: Store; clock: Clock; ids: Ids; log: Log },
): Promise<() => void> {
  const claim = () => claimLocalHome(store, { home, now: clock.now(), op: ids.unique() });
  await claim();
  const claiming = setInterval(() => {
    claim().catch((error: unknown) => {
      // Given up while the store could not be reached, and taken by another: going on would end the sandboxes of both.
      if (error instanceof Refusal) throw error;
      log.error({ err: error }, "the home of the local sandboxes could not be claimed again");
    });
  }, claimEveryMs);
  return () => clearInterval(claiming);
}

const isSame = (one: LocalHome, other: LocalHome): boolean => one.machine === other.machine && one.root === other.root;

function elsewhere(claimed: LocalHome, home: LocalHome): string {
  const where = claimed.machine === home.machine ? "of this machine" : "of another machine";
  return (
    `The local sandboxes of this store are in ${claimed.root} ${where}, and those of a service in ${home.root} would be ` +
    `apart from them. Run all its services there, or use Modal for sandboxes that services on several machines share. ` +
    `If nobody works there any more, start this one ${keptMs / minuteMs} minutes after the last one has stopped.`
  );
}
