/** What the stand-in does wrong when it is told to, and what Modal's own client makes of it. */
import { afterEach, describe, expect, test, vi } from "vitest";
import { Status } from "nice-grpc";
import { needs } from "../needs.ts";
import { openTrial } from "./trial.ts";

const { world, client, app, image, run, another } = await openTrial();
const count = async (call: string): Promise<number> => (await world.calls()).filter((one) => one === call).length;
const living = async (): Promise<number> => (await world.living()).length;
const sleeps = () => run(["sleep", "60"]);

describe("a call", () => {
  test("whose answer is lost is done once, as long as one client asks again", async () => {
    await world.faults.loseReply("SandboxCreateV2");
    const sandbox = await sleeps();
    expect(await count("SandboxCreateV2")).toBe(2);
    expect((await world.living()).map(({ sandboxId }) => sandboxId)).toEqual([sandbox.sandboxId]);
    await world.faults.loseReply("SandboxCreateV2", 4);
    await expect(run(["sleep", "60"], { name: "orphan" })).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    // Another life of the service has another key: only the name tells it that its sandbox is there.
    const found = await another().sandboxes.fromName("parhelia", "orphan");
    expect(await living()).toBe(2);
    await Promise.all([found.terminate({ wait: true }), sandbox.terminate({ wait: true })]);
  });

  test("to a service that is away for a while is made again, and then given up", async () => {
    await world.faults.unavailable("SandboxListV2");
    for await (const _ of client.sandboxes.list({ appId: app.appId })) throw new Error("there is none");
    await world.faults.unavailable("SandboxListV2", 4);
    const listing = client.sandboxes.list({ appId: app.appId }).next();
    await expect(listing).rejects.toMatchObject({ code: Status.UNAVAILABLE });
    await world.faults.refuse("SandboxListV2", Status.PERMISSION_DENIED, "No");
    await expect(client.sandboxes.list({ appId: app.appId }).next()).rejects.toMatchObject({ details: "No" });
  });

  test("that is throttled waits as long as the server says, or as the client will", async () => {
    await world.faults.throttle("SandboxCreateV2", 0.2, 2);
    const began = Date.now();
    const sandbox = await sleeps();
    expect(Date.now() - began).toBeGreaterThan(380);
    await sandbox.terminate({ wait: true });
    await world.faults.throttle("SandboxCreateV2", 5);
    const create = another({ maxThrottleWaitSecs: 1 }).sandboxes.create(app, image, { command: ["true"] });
    await expect(create).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    await world.faults.exhaust("SandboxCreateV2");
    await expect(sleeps()).rejects.toMatchObject({ code: Status.RESOURCE_EXHAUSTED });
    expect(await living()).toBe(0);
  });

  test.skipIf(!needs("bwrap"))("that reads on is taken up again where it broke off", async () => {
    await world.faults.loseReply("SandboxStdioReadV2", 2);
    const sandbox = await run(["sh", "-c", "for n in 1 2 3 4; do echo line $n; sleep 0.03; done"]);
    expect(await sandbox.stdout.readText()).toBe("line 1\nline 2\nline 3\nline 4\n");
    expect(await count("SandboxStdioReadV2")).toBe(3);
    await world.faults.loseReply("SandboxGetLogs");
    const v1 = await client.sandboxes.create(app, image, {
      gpu: "T4",
      command: ["sh", "-c", "echo a; sleep 0.1; echo b"],
    });
    expect(await v1.stdout.readText()).toBe("a\nb\n");
  });

  test("that takes long is done once all the same", async () => {
    await world.faults.slow("SandboxCreateV2", 300);
    const began = Date.now();
    const sandbox = await sleeps();
    expect(Date.now() - began).toBeGreaterThan(280);
    expect(await living()).toBe(1);
    await sandbox.terminate({ wait: true });
  });
});

describe("a token", () => {
  afterEach(() => void vi.useRealTimers());

  test("that is wrong or revoked opens nothing", async () => {
    const wrong = another({ tokenId: "ak-standin", tokenSecret: "as-wrong" });
    await expect(wrong.apps.fromName("parhelia")).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
    await world.tokens.make("ak-next", "as-next");
    const next = another({ tokenId: "ak-next", tokenSecret: "as-next" });
    expect((await next.apps.fromName("parhelia")).appId).toBe(app.appId);
    await world.tokens.revoke("ak-next");
    await expect(next.apps.fromName("parhelia")).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
  });

  test.skipIf(!needs("bwrap"))("that runs out is asked for anew, by the client and for a router", async () => {
    const { world, another, app, image } = await openTrial();
    const count = async (call: string): Promise<number> => (await world.calls()).filter((one) => one === call).length;
    const brief = another();
    const before = await count("AuthTokenGet");
    const sandbox = await brief.sandboxes.create(app, image, { command: ["sleep", "60"] });
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1_300_000 });
    await world.faults.expireTokens();
    await world.faults.tokenLife(100_000);
    const exec = await sandbox.exec(["echo", "still"]);
    expect(await exec.stdout.readText()).toBe("still\n");
    vi.useRealTimers();
    expect((await count("AuthTokenGet")) - before).toBe(2);
    expect(await count("SandboxGetCommandRouterAccess")).toBe(1);
  });

  test("that is refused before its time stays refused: the client holds it until half its life is over", async () => {
    const { world, client: holds, another, app } = await openTrial();
    await holds.apps.fromName("parhelia");
    await world.faults.expireTokens();
    await expect(holds.apps.fromName("parhelia")).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
    await expect(holds.apps.fromName("parhelia")).rejects.toMatchObject({ code: Status.UNAUTHENTICATED });
    expect((await another().apps.fromName("parhelia")).appId).toBe(app.appId);
  });
});
