/** What only Modal does to the contract of the sandboxes: faults, ends of every kind, machines that are not free, both backends. */
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { computePerHour } from "../../src/core/compute-prices.ts";
import type { Sandbox, Sandboxes, SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { Status } from "nice-grpc";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { openAccount, openModalPost, type ModalPost } from "./modal-post.ts";
import { name } from "./post.ts";
import { SandboxName, TaskId } from "../../src/core/ids.ts";

const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

const world = () => {
  if (account === undefined) throw new Error("there is no account");
  return account;
};

const stay = "exec sleep 1000";
const made = async (making: ReturnType<Sandboxes["create"]>): Promise<Sandbox> => {
  const sandbox = await making;
  if (typeof sandbox === "string") throw new Error(`It is ${sandbox}.`);
  return sandbox;
};
const isGone = (post: ModalPost) => eventually(async () => (await post.living()).length === 0, { withinMs: 10_000 });

describe.skipIf(isMissing).each([
  { version: "V2", gpu: undefined, call: "SandboxCreateV2", list: "SandboxListV2" },
  { version: "V1", gpu: "T4", call: "SandboxCreate", list: "SandboxList" },
])("$version", { timeout: 60_000 }, ({ gpu, call, list }) => {
  const post = () => openModalPost(world(), gpu);

  test("a sandbox says what it was made from, and has what was asked for and no more", async () => {
    const it = await post();
    const sandboxes = await it.open();
    const sandbox = await made(sandboxes.create(it.spec(1, stay)));
    const image = { name: "parhelia:live", id: expect.stringMatching(/^im-/) };
    expect(sandbox).toMatchObject({ image, ...(gpu === undefined ? {} : { gpu }) });
    expect(await (await it.open()).find(name(1))).toMatchObject({ image, ...(gpu === undefined ? {} : { gpu }) });
    expect(Math.abs(Date.now() - sandbox.startedAt)).toBeLessThan(60_000);
  });

  test("Modal's own meter is read when it is over, and comes to what its bill says", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await made(sandboxes.create(it.spec(1, stay)));
    await sandboxes.end(name(1));
    const metered = await sandboxes.metered(name(1), gpu);
    const bill = (await world().bill()).filter((each) => each.app === it.app);
    const usd = bill.reduce((sum, each) => sum + each.usd, 0);
    // Of the two prices of memory that Modal has published, the dearer is reckoned with here.
    expect(metered).toBeGreaterThanOrEqual(Math.floor(usd * 1e6));
    expect(metered).toBeLessThanOrEqual(Math.ceil(usd * 1e6 * 1.02) + 1);
    expect(await sandboxes.metered(name(9), gpu)).toBeUndefined();
  });

  test.each([5, 6, 7])("one that ended with status %i is gone", async (status) => {
    const it = await post();
    const sandboxes = await it.open();
    await made(sandboxes.create(it.spec(1, stay)));
    const living = (await world().living()).find((each) => each.app === it.app);
    await world().faults.end(living?.sandboxId ?? "", { status });
    expect(await sandboxes.find(name(1))).toBeUndefined();
    expect(await sandboxes.list()).toEqual([]);
    await sandboxes.end(name(1));
  });

  test("one that used too much memory, and one whose machine was taken away, are gone", async () => {
    const it = await post();
    const sandboxes = await it.open();
    const eats = it.spec(1, "");
    const script = "const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 25, 1)), 2)";
    const resources = { ...eats.resources, memoryMiB: 256 };
    await made(sandboxes.create({ ...eats, command: ["node", "-e", script], resources }));
    expect(await isGone(it)).toBe(true);
    expect(await sandboxes.find(name(1))).toBeUndefined();
    await made(sandboxes.create(it.spec(2, `trap 'exit 0' INT; echo up | say; while :; do sleep 0.05; done`)));
    await it.heard();
    const living = (await world().living()).find((each) => each.app === it.app);
    await world().faults.preempt(living?.sandboxId ?? "");
    expect(await sandboxes.find(name(2))).toBeUndefined();
  });

  test("whose answer is lost is there once, in this life and in the next", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await world().faults.loseReply(call);
    await made(sandboxes.create(it.spec(1, stay)));
    expect(await it.living()).toEqual([name(1)]);
    await world().faults.loseReply(call, 4);
    await expect(sandboxes.create(it.spec(2, stay))).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(await made((await it.open()).create(it.spec(2, stay)))).toMatchObject({ name: name(2) });
    expect(new Set(await it.living())).toEqual(new Set([name(1), name(2)]));
    expect(await it.living()).toHaveLength(2);
  });

  test("creations that are throttled are made when Modal lets them", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await world().faults.throttle(call, 0.1, 2);
    await made(sandboxes.create(it.spec(1, stay)));
    // Without a word on when to come again: whoever asks is told to ask again.
    await world().faults.exhaust(call);
    expect(await sandboxes.create(it.spec(2, stay))).toBe("waiting");
    await made(sandboxes.create(it.spec(2, stay)));
    expect(await it.living()).toHaveLength(2);
  });

  test("a session that Modal has ended is begun anew", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await world().faults.expireTokens();
    await made(sandboxes.create(it.spec(1, stay)));
    await world().faults.expireTokens();
    expect(await sandboxes.list()).toHaveLength(1);
    await world().faults.expireTokens();
    await sandboxes.end(name(1));
    expect(await it.living()).toEqual([]);
  });

  test("a listing that fails is a failure and no empty list", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await made(sandboxes.create(it.spec(1, stay)));
    await world().faults.unavailable(list, 4);
    await expect(sandboxes.list()).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    expect(await sandboxes.list()).toHaveLength(1);
  });

  test("a listing of several pages is whole, and one that lags keeps nothing from being ended", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await world().change({ pageSize: 2 });
    for (const n of [1, 2, 3, 4, 5]) await made(sandboxes.create(it.spec(n, stay)));
    expect(await sandboxes.list()).toHaveLength(5);
    await world().change({ listLagMs: 3_600_000 });
    expect(await sandboxes.list()).toEqual([]);
    await expect(sandboxes.find(name(1))).rejects.toThrow("does not list it yet");
    await sandboxes.end(name(3));
    expect(await it.living()).not.toContain(name(3));
    expect(await it.living()).toHaveLength(4);
  });

  test("what is not ours in the same account stays as it is, also within our app", async () => {
    const it = await post();
    const sandboxes = await it.open();
    await made(sandboxes.create(it.spec(1, stay)));
    await world().foreign(`theirs-${it.app}`, [name(1), "web"]);
    await world().foreign(it.app, ["notebook"]);
    expect((await sandboxes.list()).map((each) => each.name)).toEqual([name(1)]);
    for (const each of await sandboxes.list()) await sandboxes.end(each.name);
    expect(await it.living()).toEqual(["notebook"]);
    const theirs = (await world().living()).filter((each) => each.app === `theirs-${it.app}`);
    expect(theirs.map((each) => each.name)).toEqual([name(1), "web"]);
  });

  test("a task sees its own files on the volume, also in its next sandbox, and no other task's", async () => {
    const it = await post();
    const sandboxes = await it.open();
    const [one, other] = [TaskId.parse("t_00000001"), TaskId.parse("t_00000002")];
    const around = "find / -xdev -name 'mine.*' 2>/dev/null; find /vol -name 'mine.*'; ls -a /vol/parhelia/..";
    const finds = async (task: TaskId | undefined, script: string): Promise<string> => {
      const spec = it.spec(1, `{ ${script}; } 2>&1 | say; ${stay}`);
      await made(sandboxes.create({ ...spec, task }));
      const said = await it.heard();
      await sandboxes.end(name(1));
      return said;
    };
    expect(await finds(one, "echo first > /vol/parhelia/mine.1 && echo kept")).toBe("kept\n");
    expect(await finds(one, "cat /vol/parhelia/mine.1")).toBe("first\n");
    expect(await finds(other, `ls -A /vol/parhelia; echo second > /vol/parhelia/mine.2; ${around}`)).not.toMatch(
      /mine\.1|t_00000001/,
    );
    // It cannot leave its folder, whatever it writes there.
    expect(await finds(other, "ln -s ../t_00000001 /vol/parhelia/link; cat /vol/parhelia/link/mine.1")).toMatch(
      /No such file/,
    );
    expect(await finds(one, "ls -A /vol/parhelia; cat /vol/parhelia/*")).toBe("mine.1\nfirst\n");
    expect(await finds(undefined, "ls /vol 2>&1")).toMatch(/No such file/);
  });

  test("what it may reach is the gateway, with the hosts of a list, or everything where it is trusted", async () => {
    const it = await post();
    const network = async (network: "none" | "list" | "open", changes: Partial<SandboxSpec> = {}) => {
      const sandboxes = await it.open({ network, gateway: "https://parhelia.example.org/base" });
      await made(sandboxes.create(it.spec(1, stay, changes)));
      const found = (await world().living()).find((each) => each.app === it.app)?.network;
      await sandboxes.end(name(1));
      return found;
    };
    const list = { kind: "list", cidrs: [], domains: ["parhelia.example.org", "github.com"] };
    expect(await network("none")).toEqual({ kind: "list", cidrs: [], domains: ["parhelia.example.org"] });
    expect(await network("list")).toEqual(list);
    expect(await network("open")).toEqual({ kind: "open" });
    expect(await network("open", { untrusted: true })).toEqual(list);
    // What a repository's settings leave of it.
    const hosts = ["npm.example.org"];
    const narrowed = { ...list, domains: [...list.domains, ...hosts] };
    expect(await network("open", { network: { reaches: "list", hosts } })).toEqual(narrowed);
    expect(await network("list", { network: { reaches: "list", hosts } })).toEqual(list);
    expect(await network("open", { network: { reaches: "none", hosts: [] } })).toMatchObject({
      domains: ["parhelia.example.org"],
    });
  });
});

describe.skipIf(isMissing)("a GPU that is not free", { timeout: 60_000 }, () => {
  beforeEach(() => world().capacity.set("H100", "never"));
  const post = () => openModalPost(world(), "H100");

  test("makes it wait: listed and not found, once, in this life and the next, until it comes", async () => {
    const it = await post();
    const patienceMs = 50;
    const sandboxes = await it.open({ patienceMs });
    const spec = it.spec(1, `echo up | say; ${stay}`);
    expect(await sandboxes.create(spec)).toBe("waiting");
    expect(await sandboxes.create(spec)).toBe("waiting");
    expect(await eventually(async () => (await it.living()).length === 1, { withinMs: 5000 })).toBe(true);
    expect((await sandboxes.list()).map((each) => each.name)).toEqual([name(1)]);
    expect(await sandboxes.find(name(1))).toBeUndefined();
    const next = await it.open({ patienceMs });
    expect(await next.create(spec)).toBe("waiting");
    await world().capacity.set("H100", { afterMs: 0 });
    expect(await it.heard()).toBe("up\n");
    expect(await made(next.create(spec))).toMatchObject({ name: name(1), gpu: "H100" });
    expect(await eventually(async () => (await sandboxes.create(spec)) !== "waiting", { withinMs: 5000 })).toBe(true);
    expect(await it.living()).toEqual([name(1)]);
  });

  test("is given up with what waits for it, by this life and by the next", async () => {
    const it = await post();
    const sandboxes = await it.open({ patienceMs: 50 });
    await world().faults.slow("SandboxCreate", 700);
    expect(await sandboxes.create(it.spec(1, stay))).toBe("waiting");
    // The creation has not reached Modal yet.
    expect(await it.living()).toEqual([]);
    await sandboxes.end(name(1));
    expect(await it.living()).toEqual([]);
    const resources = { ...it.spec(2, stay).resources, gpu: "L4" };
    // Another card under the same name.
    await eventually(async () => (await sandboxes.create(it.spec(1, stay, { resources }))) !== "waiting", {
      withinMs: 5000,
    });
    expect(await sandboxes.find(name(1))).toMatchObject({ gpu: "L4" });
    await sandboxes.end(name(1));
    expect(await sandboxes.create(it.spec(2, stay))).toBe("waiting");
    await eventually(async () => (await it.living()).length === 1, { withinMs: 5000 });
    await (await it.open()).end(name(2));
    expect(await it.living()).toEqual([]);
    const other = it.spec(2, stay, { resources });
    // The first life hears of the end within half a second.
    expect(await eventually(async () => (await sandboxes.create(other)) !== "waiting", { withinMs: 5000 })).toBe(true);
    expect(await sandboxes.find(name(2))).toMatchObject({ gpu: "L4" });
  });
});

describe.skipIf(isMissing)("a repository's own base", { timeout: 60_000 }, () => {
  const base = "ubuntu:24.04";
  const built = async () => (await world().calls()).filter((call) => call === "ImageGetOrCreate").length;
  const open = async (changes: Partial<SandboxSpec> = {}) => {
    const it = await openModalPost(world(), undefined);
    const sandboxes = await it.open({ patienceMs: 50 });
    return { it, sandboxes, spec: it.spec(1, stay, { image: base, ...changes }) };
  };

  test("is built while the task waits, with nothing that is billed, and once for all", async () => {
    const { it, sandboxes, spec } = await open();
    await world().change({ buildMs: 100 });
    expect(await sandboxes.create(spec)).toBe("building");
    expect(await sandboxes.create(spec)).toBe("building");
    expect(await it.living()).toEqual([]);
    // It is given up as what waits for a machine is: nothing is to be ended.
    await sandboxes.end(name(1));
    const isMade = async () => (await sandboxes.create(spec)) !== "building";
    expect(await eventually(isMade, { withinMs: 20_000 })).toBe(true);
    await world().change({ buildMs: 0 });
    const before = await built();
    await made(sandboxes.create({ ...spec, name: name(2) }));
    const next = await it.open();
    await made(next.create({ ...spec, name: name(3) }));
    expect(await built()).toBe(before);
    const another = await it.open({ claudeCode: "2.1.331" });
    const { image } = await made(another.create({ ...spec, name: SandboxName.parse("parhelia-t_00000004-1") }));
    expect(image?.name).not.toBe((await sandboxes.find(name(2)))?.image?.name);
  });

  test("that cannot be built is refused with its layer and the cure, and tried again for the next who asks", async () => {
    const { it, sandboxes, spec } = await open({ image: "alpine:3.22" });
    await world().faults.failLayer("command -v apt-get", "The base has neither apt-get nor dnf.");
    const outcome = async () => {
      for (;;) {
        const said = await sandboxes.create(spec).catch((error: unknown) => error);
        if (said !== "building") return said;
      }
    };
    const refusal = await outcome();
    expect(refusal).toBeInstanceOf(Refusal);
    expect(String(refusal)).toMatch(
      /could not build layer 2 of 5, git and certificates\. It says: .*neither apt-get nor dnf.*\n.*Alpine is not\. Choose another one in `sandbox\.image`/,
    );
    expect(await it.living()).toEqual([]);
    await world().faults.clear();
    expect(await outcome()).toMatchObject({ name: name(1) });
  });
});

describe.skipIf(isMissing)("the account", () => {
  test("whose token is rejected is told at the start, with the cure", async () => {
    const it = await openModalPost(world(), undefined);
    await expect(it.open({ tokenSecret: "as-wrong" })).rejects.toThrow(Refusal);
    await expect(it.open({ tokenSecret: "as-wrong" })).rejects.toThrow(/rejects the token.*MODAL_TOKEN_SECRET/);
  });

  test("that is away at the start is asked again when it is needed", async () => {
    const it = await openModalPost(world(), undefined);
    await world().faults.unavailable("SandboxListV2", 4);
    const sandboxes = await it.open();
    expect(it.logged.join()).toContain("cannot be reached now");
    await made(sandboxes.create(it.spec(1, stay)));
  });

  test("without the image refuses in words", async () => {
    const it = await openModalPost(world(), undefined);
    const sandboxes = await it.open({ image: "parhelia:none" });
    await expect(sandboxes.create(it.spec(1, stay))).rejects.toThrow(/Modal has no image parhelia:none/);
    expect(it.logged.join()).not.toContain("PARHELIA");
  });

  test("takes only what Modal has", async () => {
    const it = await openModalPost(world(), undefined);
    const { accept, pricePerHour, create } = await it.open({ regions: ["eu-west"] });
    const some = { cpu: 2, memoryMiB: 4096 };
    const refusing = (more: object) => () => accept({ ...some, ...more });
    for (const gpu of ["T4", "H100:8", "A10G:4", "H100,A100-80GB:2"]) accept({ ...some, gpu });
    expect(refusing({ gpu: "A10:5" })).toThrow(/1 to 4 of A10/);
    expect(refusing({ gpu: "H100,V100" })).toThrow(/no GPU V100\. You can ask for T4, L4/);
    expect(refusing({ cpu: 0.1 })).toThrow(/0\.125 to 64 CPU cores, and not 0\.1/);
    expect(refusing({ cpu: Number.NaN })).toThrow(Refusal);
    expect(refusing({ memoryMiB: 64 })).toThrow(/128 to 344064 MiB/);
    const regions = ["eu-west"];
    expect(pricePerHour(some)).toBe(computePerHour({ ...some, regions }));
    expect(pricePerHour({ ...some, gpu: "A100,H100" })).toBe(computePerHour({ ...some, gpu: "H100", regions }));
    await expect(create(it.spec(1, stay, { lifetimeMs: 25 * 3_600_000 }))).rejects.toThrow(/24 hours at most/);
  });
});
