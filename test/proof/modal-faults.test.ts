/** Two hundred creations on Modal with faults from a seed and services that die: each sandbox is there once, or gone for good. */
import { afterAll, expect, test } from "vitest";
import { SandboxName } from "../../src/core/ids.ts";
import type { ModalSandboxes } from "../../src/sandbox/modal/open-modal-sandboxes.ts";
import { openAccount, openModalPost } from "../sandbox/modal-post.ts";
import { needs } from "../world/needs.ts";

const ready = needs("bwrap");
const account = ready ? await openAccount() : undefined;
afterAll(() => account?.close());

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randoms(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const nameOf = (n: number): SandboxName => SandboxName.parse(`parhelia-t_${String(n).padStart(8, "0")}-1`);
const creations = 200;

test.skipIf(!ready)("faults and deaths from a seed", { timeout: 600_000 }, async () => {
  if (account === undefined) throw new Error("there is no account");
  const world = account;
  const random = randoms(1);
  const pick = <T>(from: readonly [T, ...T[]]): T => from[Math.floor(random() * from.length)] ?? from[0];
  const post = await openModalPost(world, undefined);
  const foreign = await world.foreign(post.app, ["notebook", "web"]);
  const callsAtFirst = (await world.bill()).length;
  let sandboxes: ModalSandboxes = await post.open();
  let faults = 0;

  const breakSomething = async (call: string): Promise<void> => {
    if (random() < 0.55) return;
    faults += 1;
    const fault = pick([
      () => world.faults.loseReply(call),
      () => world.faults.loseReply(call, 4),
      () => world.faults.unavailable(call, 4),
      () => world.faults.throttle(call, 0.05),
      () => world.faults.exhaust(call),
      () => world.faults.expireTokens(),
      () => world.faults.loseReply("SandboxListV2", 4),
      () => world.faults.unavailable("SandboxTerminateV2", 4),
    ]);
    await fault();
  };
  /** As the engine does: what fails is done again, now and then by another service. */
  const persist = async (act: () => Promise<unknown>): Promise<void> => {
    for (let tries = 1; tries <= 20; tries += 1) {
      try {
        if ((await act()) !== "waiting") return;
      } catch (error) {
        if (tries === 20) throw error;
      }
      if (random() < 0.4) sandboxes = await post.open();
    }
    throw new Error("it never came to an end");
  };

  const alive = new Set<string>();
  for (let n = 1; n <= creations; n += 1) {
    const name = nameOf(n);
    const gpu = n % 10 === 0 ? { gpu: pick(["T4", "L4"]) } : {};
    const resources = { cpu: 1, memoryMiB: 256, ...gpu };
    const spec = { ...post.spec(1, "exec sleep 1000"), name, resources, lifetimeMs: 3_600_000 };
    await breakSomething("gpu" in gpu ? "SandboxCreate" : "SandboxCreateV2");
    await persist(() => sandboxes.create(spec));
    alive.add(name);
    if (n % 8 === 0) continue;
    await breakSomething("SandboxListV2");
    await persist(() => sandboxes.end(name));
    alive.delete(name);
  }
  await world.faults.clear();
  const living = (await world.living()).filter((each) => each.app === post.app);
  const [theirs, ours] = [true, false].map((isForeign) => living.filter((each) => each.isForeign === isForeign));
  expect(new Set(theirs?.map((each) => each.sandboxId))).toEqual(new Set(foreign));
  expect(ours).toHaveLength(alive.size);
  expect(new Set(ours?.map((each) => each.name))).toEqual(alive);
  expect(new Set((await sandboxes.list()).map((each) => each.name))).toEqual(alive);
  expect((await world.bill()).length - callsAtFirst, "sandboxes that were ever made").toBe(creations);
  expect(faults).toBeGreaterThan(creations / 3);
});
