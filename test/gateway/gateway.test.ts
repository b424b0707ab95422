/** The door of the sandboxes, asked as hostile code would ask it: with a token that opens one attempt while it lives, and nothing else. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { AttemptId } from "../../src/core/ids.ts";
import { secondMs } from "../../src/core/instant.ts";
import { attemptTokens } from "../../src/gateway/attempt-tokens.ts";
import { listEvents } from "../../src/records/events.ts";
import { listen } from "../../src/gateway/listen.ts";
import type { Inside } from "../world/sandboxes.ts";
import { askAtTerminal } from "../world/terminal-task.ts";
import { world, type World } from "../world/world.ts";

async function started(w: World): Promise<Inside> {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  const inside = w.inside();
  await inside.says();
  await w.dispatch();
  return inside;
}

const push = (n: number, message = `event ${n}`) => ({ n, at: 1, level: "info", type: "agent_text", message });
const post = async (inside: Inside, events: readonly unknown[]) => {
  const response = await inside.call("/gateway/events", { method: "POST", body: JSON.stringify({ events }) });
  return { status: response.status, body: (await response.json()) as { last?: number; error?: string } };
};

test("a token opens its own attempt, and no change of it opens anything", () => {
  const tokens = attemptTokens("k".repeat(64));
  const attempt = AttemptId.parse("t_7k2m9x4q-1");
  const token = tokens.issue(attempt);
  expect(tokens.verify(token)).toBe(attempt);
  for (const wrong of [
    "",
    token.slice(0, -1),
    `${token}x`,
    token.replace("-1.", "-2."),
    token.replace("t_7k", "t_8k"),
    attemptTokens("l".repeat(64)).issue(attempt),
    "pa_.",
  ]) {
    expect(tokens.verify(wrong), wrong).toBeUndefined();
  }
});

test("events are kept once: repeated, overlapping and late pushes add nothing, and a gap is answered with what is known", () =>
  world(async (w) => {
    const inside = await started(w);
    expect((await post(inside, [push(2), push(3)])).body).toEqual({ last: 3 });
    expect((await post(inside, [push(2), push(3)])).body).toEqual({ last: 3 });
    expect((await post(inside, [push(3), push(4)])).body).toEqual({ last: 4 });
    expect((await post(inside, [push(7)])).body).toEqual({ last: 4 });
    expect((await post(inside, [])).body).toEqual({ last: 4 });
    const [first, second] = await Promise.all([post(inside, [push(5)]), post(inside, [push(5)])]);
    expect([first.body.last, second.body.last]).toEqual([5, 5]);
    const task = await w.task();
    const events = await listEvents(w.store, w.now(), { task: task.id, level: "debug", limit: 100 });
    const told = events.map(({ event }) => event).filter((event) => event.type === "agent_text");
    expect(told.map((event) => event.message).toReversed()).toEqual(["event 2", "event 3", "event 4", "event 5"]);
    await inside.ends();
    await w.pass(secondMs);
  }));

test("what does not fit is refused whole, with the place and without the words that were sent", () =>
  world(async (w) => {
    const inside = await started(w);
    const secret = "hunter2-hunter2";
    const wrong = await post(inside, [{ ...push(2), level: secret }]);
    expect(wrong.status).toBe(400);
    expect(wrong.body.error).toContain("events.0.level");
    expect(JSON.stringify(wrong.body)).not.toContain(secret);
    expect((await post(inside, [{ ...push(2), extra: 1 }])).status).toBe(400);
    const notJson = await inside.call("/gateway/events", { method: "POST", body: "{" });
    expect(notJson.status).toBe(400);
    for (const part of ["0", "65", "x", "1e9"]) {
      const response = await inside.call(`/gateway/result/${part}`, { method: "PUT", body: "[]" });
      expect(response.status, part).toBe(400);
    }
    const large = await inside.call("/gateway/result/1", { method: "PUT", body: "x".repeat(3 * 1024 * 1024) });
    expect(large.status).toBe(413);
    await inside.ends();
    await w.pass(secondMs);
  }));

test("after its end an attempt's token opens nothing, and another task's never did", () =>
  world(async (w) => {
    const first = await started(w);
    await first.ends();
    await w.pass(secondMs);
    for (const path of ["/gateway/job", "/gateway/inbox?after=0", "/gateway/repository-token"]) {
      expect((await first.call(path)).status, path).toBe(410);
    }
    const model = await first.call("/v1/messages", {
      method: "POST",
      body: JSON.stringify({
        model: "claude-sonnet-5",
        max_tokens: 10,
        messages: [{ role: "user", content: "hello" }],
      }),
    });
    expect(model.status).toBe(403);
    expect((await first.call("/gateway/job", { headers: { authorization: "Bearer nonsense" } })).status).toBe(401);
  }));

test("a sealed result takes no more parts, and the first seal counts", () =>
  world(async (w) => {
    const inside = await started(w);
    await inside.ends({ files: { "a.txt": "a" } });
    const late = await inside.call("/gateway/result/1", { method: "PUT", body: "[]" });
    expect(late.status).toBe(409);
    await w.pass(secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded", finding: { changedFiles: 1 } });
  }));

test("the repository token reads one repository and cannot write", () =>
  world(async (w) => {
    const inside = await started(w);
    const { password } = (await (await inside.call("/gateway/repository-token")).json()) as { password: string };
    const call = (path: string, method: string) =>
      w.github.fetch(`${w.github.apiUrl}${path}`, {
        method,
        headers: { authorization: `token ${password}`, "content-type": "application/json" },
        ...(method === "POST" ? { body: JSON.stringify({ title: "x", body: "x" }) } : {}),
      });
    expect((await call("/repos/acme/widgets", "GET")).status).toBe(200);
    expect((await call("/repos/acme/widgets/issues", "POST")).status).toBe(403);
    expect((await call(`/repos/acme/widgets/issues/${w.issue}/comments`, "POST")).status).toBe(403);
    await inside.ends();
    await w.pass(secondMs);
  }));

test("the inbox answers a waiting runner in the moment in which its task is cancelled", () =>
  world(async (w) => {
    const inside = await started(w);
    const waiting = inside.inbox();
    await w.comment("/parhelia cancel");
    await w.dispatch();
    expect(await waiting).toEqual({ messages: [{ n: 1, kind: "cancel", because: "cancelled by dana" }] });
    expect(await inside.inbox(0)).toEqual({ messages: [{ n: 1, kind: "cancel", because: "cancelled by dana" }] });
    await inside.ends({ ended: "cancelled" });
    await w.pass(30 * secondMs);
    expect((await w.task()).state).toBe("cancelled");
  }));

test("a repository on this machine is fetched through the gateway, at a commit that no branch has", async () => {
  const place = mkdtempSync(join(tmpdir(), "parhelia-local-"));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@x", "-C", place, ...args], {
      encoding: "utf8",
    }).trim();
  git("init", "-q", "-b", "main");
  git("commit", "-q", "--allow-empty", "-m", "one");
  const old = git("rev-parse", "HEAD");
  git("commit", "-q", "--amend", "--allow-empty", "-m", "two");
  await world(async (w) => {
    await askAtTerminal(w.store, { id: "t_zzzzzzzz", directory: join(place, ".git"), now: w.now(), ref: old });
    await w.dispatch();
    const inside = w.inside();
    expect((await inside.job()).source).toEqual({ url: null, sha: old, ref: old });
    const gateway = w.sandboxes.gateway;
    if (gateway === undefined) throw new Error("no gateway");
    const listening = await listen(gateway, { host: "127.0.0.1", port: 0 });
    const header = `http.extraHeader=Authorization: Bearer ${inside.spec.env["PARHELIA_TOKEN"]}`;
    const url = `http://127.0.0.1:${listening.port}/gateway/git`;
    const clone = mkdtempSync(join(tmpdir(), "parhelia-clone-"));
    onTestFinished(() => rmSync(clone, { recursive: true, force: true }));
    execFileSync("git", ["-C", clone, "init", "-q"]);
    const fetching = spawn("git", ["-C", clone, "-c", header, "fetch", "-q", url, old]);
    expect(await new Promise((resolve) => fetching.on("close", resolve))).toBe(0);
    expect(execFileSync("git", ["-C", clone, "rev-parse", "FETCH_HEAD"], { encoding: "utf8" }).trim()).toBe(old);
    await listening.close();
    await inside.says();
    await w.dispatch();
    await inside.ends();
    await w.pass(secondMs);
  });
});
