/** Several services on one machine that share their sandboxes, as replicas do. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { replicaOf, replicasAtMost } from "../../src/sandbox/local/slots.ts";
import { takeNumber, takeReplicaNumber } from "../../src/store/replica-number.ts";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { pids, readProc, startService } from "./machine.ts";
import { name, openPost, type Post } from "./post.ts";

const isolations = [...(needs("bwrap") ? (["bubblewrap"] as const) : []), "none" as const];
const stay = "exec sleep 1000";

/** The gateway of a sandbox that replica 1 made. */
const gatewayOf = (here: Post): string =>
  here.options.isolation === "none"
    ? `unix:${join(here.options.socketDirectory, "r1")}/gateway.sock`
    : "unix:/run/parhelia/gateway.sock";

describe.each(isolations)("replicas with isolation %s", { timeout: 60_000 }, (isolation) => {
  test("see and end each other's sandboxes, and have no slot in common", async () => {
    const here = await openPost(isolation);
    const first = await here.open();
    const second = await here.open({ replica: 1 });
    await Promise.all([first.create(here.spec(1, stay)), second.create(here.spec(2, stay))]);
    for (const sandboxes of [first, second])
      expect((await sandboxes.list()).map((each) => each.name).toSorted()).toEqual([name(1), name(2)]);
    const places = readdirSync(here.options.socketDirectory).filter((entry) => /^r?\d+$/.test(entry));
    if (isolation === "none") expect(places).toEqual(["r1"]);
    else expect(new Set(places.map((slot) => replicaOf(Number(slot))))).toEqual(new Set([0, 1]));
    // Found by name, whoever made it, so nothing is started twice.
    expect(await first.create(here.spec(2, stay))).toEqual(await second.find(name(2)));
    await first.end(name(2));
    expect(await second.list()).toEqual([{ name: name(1), startedAt: 1_000_000 }]);
    await second.end(name(1));
    expect(await first.list()).toEqual([]);
  });

  test("open the doors of the sandboxes of the dead one of their number", async () => {
    const here = await openPost(isolation);
    const env = { GATEWAY: gatewayOf(here) };
    // It says so by the door of whoever is there by then.
    const script = `until say </dev/null 2>/dev/null; do sleep 0.05; done; echo up | say; ${stay}`;
    const { kill } = await startService({
      post: here.socket,
      options: { ...here.options, replica: 1 },
      specs: [here.spec(1, script, { env })],
    });
    await kill();
    const other = await here.open();
    expect(await other.list()).toHaveLength(1);
    await here.open({ replica: 1 });
    for (let heard = ""; heard !== "up\n";) heard = await here.heard();
  });

  test("open the doors of one that stays dead when its sandbox is asked for, until that has ended", async () => {
    const here = await openPost(isolation);
    const numbers = join(here.root, "numbers");
    mkdirSync(numbers);
    const alive = takeNumber(numbers, 1);
    const script = `until say </dev/null 2>/dev/null; do sleep 0.05; done; echo up | say; ${stay}`;
    const specs = [here.spec(1, script, { env: { GATEWAY: gatewayOf(here) } })];
    const order = { post: here.socket, options: { ...here.options, replica: 1 }, specs };
    const { kill, said } = await startService(order);
    await kill();
    const other = await here.open({ takeNumber: (number) => takeNumber(numbers, number) });
    expect(await other.find(name(1))).toEqual(said.list[0]);
    expect(alive?.number).toBe(1);
    alive?.release();
    expect(await other.find(name(1))).toEqual(said.list[0]);
    for (let heard = ""; heard !== "up\n";) heard = await here.heard();
    expect(takeNumber(numbers, 1)).toBeUndefined();
    await other.end(name(1));
    expect(await other.list()).toEqual([]);
    const free = takeNumber(numbers, 1);
    onTestFinished(() => free?.release());
    expect(free?.number).toBe(1);
  });

  test("start beside all the sandboxes that they may have", async () => {
    const here = await openPost(isolation);
    const { kill } = await startService({
      post: here.socket,
      options: { ...here.options, slots: 1 },
      specs: [here.spec(1, stay)],
    });
    await kill();
    const sandboxes = await here.open({ slots: 1 });
    await expect(sandboxes.create(here.spec(2, stay))).rejects.toThrow("All 1 local sandboxes are in use.");
    await sandboxes.end(name(1));
    await sandboxes.create(here.spec(2, stay));
  });

  test("refuse one more than the machine has users for", async () => {
    const here = await openPost(isolation);
    await expect(here.open({ replica: replicasAtMost })).rejects.toThrow(/At most 16 services on one machine/);
  });
});

test("a number is the lowest that no living process has", async () => {
  const here = await openPost("none");
  const folder = join(here.root, "numbers");
  mkdirSync(folder);
  const [first, second] = [takeReplicaNumber(folder, 2), takeReplicaNumber(folder, 2)];
  onTestFinished(() => second?.release());
  expect([first?.number, second?.number, takeReplicaNumber(folder, 2)]).toEqual([0, 1, undefined]);
  first?.release();
  const again = takeReplicaNumber(folder, 2);
  onTestFinished(() => again?.release());
  expect(again?.number).toBe(0);
});

test.runIf(process.getuid?.() === 0 && needs("bwrap"))(
  "a replica's sandboxes run as users of its own",
  { timeout: 60_000 },
  async () => {
    const here = await openPost("bubblewrap");
    const sandboxes = await here.open({ replica: 3 });
    await sandboxes.create(here.spec(1, "echo | say; exec sleep 1007"));
    await here.heard();
    const sleeper = await eventually(() => pids().find((pid) => readProc(pid, "cmdline") === "sleep\x001007\0"), {
      withinMs: 20_000,
    });
    const user = Number(/^Uid:\t(\d+)/m.exec(readProc(sleeper, "status"))?.[1]);
    expect(user).toBeGreaterThanOrEqual(206_000);
    expect(user).toBeLessThan(208_000);
  },
);
