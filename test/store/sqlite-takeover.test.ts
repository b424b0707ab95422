/** Leases of an engine that died: whoever takes its place need not wait for them to run out. */
import { expect, test } from "vitest";
import { after, secondMs, type Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { newPath, now } from "./sqlite-place.ts";

async function take(store: Store, ask: { name: string; holder: string; at: Instant; ttlMs: number }) {
  const { name, holder, at, ttlMs } = ask;
  const op = `${holder}/${name}/${at}`;
  const taken = await store.commit({ op, now: at, leases: [{ name, act: "take", holder, ttlMs }] });
  return taken.ok ? taken.fences[0] : undefined;
}

test("a new engine shortens what the dead one held, lengthens nothing, and the dead one's fence is worth nothing", async () => {
  const path = newPath();
  const dead = openSqliteStore({ path });
  const fence = (await take(dead, { name: "long", holder: "dead", at: now, ttlMs: 120 * secondMs })) ?? 0;
  await take(dead, { name: "short", holder: "dead", at: now, ttlMs: secondMs });
  await dead.close();

  const store = openSqliteStore({ path, leasesUntil: after(now, 5 * secondMs) });
  const mine = { holder: "new", ttlMs: secondMs };
  expect(await take(store, { ...mine, name: "short", at: after(now, secondMs) })).toBeGreaterThan(fence);
  expect(await take(store, { ...mine, name: "long", at: after(now, 5 * secondMs - 1) })).toBeUndefined();
  expect(await take(store, { ...mine, name: "long", at: after(now, 5 * secondMs) })).toBeGreaterThan(fence);
  const late = await store.commit({
    op: "late",
    now: after(now, 5 * secondMs),
    leases: [{ name: "long", act: "hold", holder: "dead", fence }],
  });
  expect(late).toEqual({ ok: false, failed: [{ kind: "lease", name: "long", is: "new" }], answers: [] });
  await store.close();
});
