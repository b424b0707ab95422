/** Where the local sandboxes of a shared store are. */
import { expect, onTestFinished, test } from "vitest";
import { after, Instant, minuteMs } from "../../src/core/instant.ts";
import { claimLocalHome } from "../../src/records/local-home.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

const start = Instant.parse(1_700_000_000_000);
const here = { machine: "a", root: "/srv/parhelia" };

function openHomes() {
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  let operations = 0;
  return (home: typeof here, minutes: number) =>
    claimLocalHome(store, { home, now: after(start, minutes * minuteMs), op: `claim ${(operations += 1)}` });
}

test("any number of services may be at one home, at the same moment too", async () => {
  const claim = openHomes();
  const claims = [claim(here, 0), claim(here, 0), claim(here, 0)];
  expect((await Promise.allSettled(claims)).map(({ status }) => status)).toEqual(claims.map(() => "fulfilled"));
});

test("a service from another machine or folder is told where the sandboxes are, and what to do", async () => {
  const claim = openHomes();
  await claim(here, 0);
  await expect(claim({ ...here, machine: "b" }, 1)).rejects.toThrowErrorMatchingInlineSnapshot(
    `[Refusal: The local sandboxes of this store are in /srv/parhelia of another machine, and those of a service in /srv/parhelia would be apart from them. Run all its services there, or use Modal for sandboxes that services on several machines share. If nobody works there any more, start this one 15 minutes after the last one has stopped.]`,
  );
  await expect(claim({ ...here, root: "/home/dana" }, 1)).rejects.toThrow("in /srv/parhelia of this machine");
});

test("a home is kept while it is claimed, and given up a while after", async () => {
  const claim = openHomes();
  const there = { ...here, machine: "b" };
  for (const minutes of [0, 5, 10, 15, 20]) await claim(here, minutes);
  await expect(claim(there, 34)).rejects.toThrow("of another machine");
  await claim(there, 36);
  await expect(claim(here, 37)).rejects.toThrow("of another machine");
});
