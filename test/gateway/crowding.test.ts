/** Hostile callers that hold all the calls they can get: they are told to wait, and their neighbours notice nothing. */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import type { Hono } from "hono";
import { expect, onTestFinished, test } from "vitest";
import { usd } from "../../src/core/money.ts";
import { listen } from "../../src/gateway/listen.ts";
import { cmdlines } from "../sandbox/machine.ts";
import { eventually } from "../world/eventually.ts";
import { askAtTerminal } from "../world/terminal-task.ts";
import { world, type World } from "../world/world.ts";
import { attempt, counted, json, modelStage, request, said, started, stopped, stream, usage } from "./model-stage.ts";

const withinMs = 10_000;
const tooMany = /^HTTP\/1\.1 429 [\s\S]*retry-after: 2\r\n[\s\S]*(too many|too large)/i;

function place(): string {
  const made = mkdtempSync(join(tmpdir(), "parhelia-crowd-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

/** A socket as a sandbox has it. `say` opens a connection and says something; all are closed at the end. */
async function openDoor(app: Hono, connections = 100) {
  const socket = join(place(), "gateway.sock");
  const listening = await listen(app, { socket, mode: 0o666, connections });
  const open = new Set<Socket>();
  const say = (words: string | Uint8Array): Socket => {
    const client = connect(socket).on("error", () => undefined);
    open.add(client);
    client.write(words);
    return client;
  };
  const leave = (): void => {
    for (const client of open) client.destroy();
    open.clear();
  };
  onTestFinished(async () => {
    leave();
    await listening.close();
  });
  return { say, leave };
}

const head = (method: string, path: string, token: string, more = ""): string =>
  `${method} ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n${more}\r\n`;
const upload = (token: string, length: number): string =>
  head("POST", "/gateway/git/git-upload-pack", token, `Content-Length: ${length}\r\n`);

/** A repository whose one file is too large for what sockets and pipes keep, and its commit. */
function repository(): { directory: string; sha: string } {
  const root = place();
  const git = (...args: string[]): string =>
    execFileSync("git", ["-c", "user.name=x", "-c", "user.email=x@x", "-C", root, ...args], { encoding: "utf8" });
  git("init", "-q", "-b", "main");
  writeFileSync(join(root, "large"), randomBytes(8 * 1024 * 1024));
  git("add", "large");
  git("commit", "-q", "-m", "one");
  return { directory: join(root, ".git"), sha: git("rev-parse", "HEAD").trim() };
}

/** Two tasks of a terminal under way; their tokens. */
async function twoAttempts(w: World, directory: string): Promise<{ hostile: string; honest: string; gateway: Hono }> {
  const tokens: string[] = [];
  for (const id of ["t_zzzzzzzz", "t_yyyyyyyy"]) {
    await askAtTerminal(w.store, { id, directory, now: w.now() });
    await w.dispatch();
    tokens.push(w.inside(id).spec.env["PARHELIA_TOKEN"] ?? "");
  }
  w.leaveAlive();
  const [hostile = "", honest = ""] = tokens;
  const { gateway } = w.sandboxes;
  if (gateway === undefined) throw new Error("no gateway");
  return { hostile, honest, gateway };
}

/** The git processes that serve this repository. */
const serving = (directory: string): number =>
  cmdlines().filter((argv) => argv.includes("upload-pack\0") && argv.includes(directory)).length;

/** What git itself says of the repository behind a gateway. */
const lsRemote = (port: number, token: string): Promise<string> =>
  new Promise((resolve) => {
    const args = ["-c", `http.extraHeader=Authorization: Bearer ${token}`, "ls-remote"];
    execFile("git", [...args, `http://127.0.0.1:${port}/gateway/git`], (_, out, complaint) => resolve(out + complaint));
  });

test("one attempt holds four gits at most, whichever way it keeps them busy, and its neighbour fetches", async () => {
  const { directory, sha } = repository();
  await world(async (w) => {
    const { hostile, honest, gateway } = await twoAttempts(w, directory);
    const { say, leave } = await openDoor(gateway);
    const { port = 0, close } = await listen(gateway, { host: "127.0.0.1", port: 0 });
    const want = `0032want ${sha}\n00000009done\n`;
    const ways = {
      "half a request": `${upload(hostile, 1000)}0032`,
      "an answer that nobody reads": upload(hostile, want.length) + want,
    };
    for (const [way, words] of Object.entries(ways)) {
      for (let n = 0; n < 4; n += 1) say(words).pause();
      await eventually(() => serving(directory) === 4, { withinMs });
      expect(await text(say(words)), way).toMatch(tooMany);
      expect(await lsRemote(port, hostile), way).toMatch(/429/);
      expect(await lsRemote(port, honest), way).toContain(`${sha}\trefs/heads/main`);
      expect(serving(directory), way).toBe(4);
      leave();
      await eventually(() => serving(directory) === 0, { withinMs });
      await eventually(async () => (await lsRemote(port, hostile)).includes(sha), { withinMs });
    }
    await close();
  });
});

test("one attempt holds sixteen calls at most, and its neighbour's are answered", () =>
  world(async (w) => {
    const { hostile, honest, gateway } = await twoAttempts(w, repository().directory);
    const { say, leave } = await openDoor(gateway);
    const job = async (token: string): Promise<string> => text(say(head("GET", "/gateway/job", token)));
    const ways = {
      "long polls": head("GET", "/gateway/inbox?after=0", hostile),
      "half a body": `${head("POST", "/gateway/events", hostile, "Content-Length: 1000\r\n")}{`,
    };
    for (const [way, words] of Object.entries(ways)) {
      for (let n = 0; n < 16; n += 1) say(words);
      await eventually(async () => tooMany.test(await job(hostile)), { withinMs });
      expect(await job(honest), way).toMatch(/^HTTP\/1\.1 200 /);
      leave();
      await eventually(async () => (await job(hostile)).startsWith("HTTP/1.1 200 "), { withinMs });
    }
  }));

test("one attempt holds sixteen model calls at most, and its neighbour's is answered", async () => {
  const { promise: never, resolve: end } = Promise.withResolvers<Response>();
  const stage = modelStage(({ body }) =>
    body.includes("stuck") ? never : json({ type: "message", usage: usage(1, 1) }),
  );
  const { say } = await openDoor(stage.app);
  const call = (token: string, content: string): Socket => {
    const body = JSON.stringify({ ...request, messages: [{ role: "user", content }] });
    return say(head("POST", "/v1/messages", token, `Content-Length: ${body.length}\r\n`) + body);
  };
  for (let n = 0; n < 16; n += 1) call("attempt-token", "stuck");
  await eventually(() => stage.sent.length === 16, { withinMs });
  expect(await text(call("attempt-token", "one more"))).toMatch(tooMany);
  expect((await stage.call("/v1/messages/count_tokens", request)).status).toBe(429);
  expect(await text(call("neighbour-token", "hello"))).toMatch(/^HTTP\/1\.1 200 /);
  end(json({ type: "message", usage: usage(1, 1) }));
  await eventually(async () => (await stage.ask(request)).status === 200, { withinMs });
});

test("one attempt keeps 64 MB of requests in the service at most", async () => {
  const stage = modelStage(() => json({ type: "message", usage: usage(1, 1) }));
  const { say, leave } = await openDoor(stage.app);
  const large = "x".repeat(25 * 1024 * 1024);
  const half = (): Socket => {
    const client = say(head("POST", "/v1/messages", "attempt-token", "Content-Length: 30000000\r\n"));
    client.write(large);
    return client;
  };
  // Each is within the limit of one call; whichever is the last to grow is refused.
  const [first] = await Promise.race([half(), half(), half()].map((client) => once(client, "data")));
  expect(String(first)).toMatch(tooMany);
  expect((await stage.call("/v1/messages", request, { authorization: "Bearer neighbour-token" })).status).toBe(200);
  leave();
  await eventually(async () => (await stage.ask({ ...request, metadata: { user_id: large } })).status === 200, {
    withinMs,
  });
});

test("a model call gives back its place on every way out", async () => {
  const answers: (() => Response)[] = [];
  const stage = modelStage(() => {
    const answer = answers.shift();
    if (answer === undefined) throw new TypeError("fetch failed");
    return answer();
  }, usd(1000));
  const ways: Record<string, () => Promise<Response>> = {
    "no JSON": () => stage.ask("{"),
    "no model": () => stage.ask({ ...request, model: "other" }),
    "no beta": () => stage.ask(request, { "anthropic-beta": "other" }),
    "too dear": () =>
      stage.ask({ ...request, max_tokens: 1_000_000, thinking: { type: "enabled", budget_tokens: 900_000_000 } }),
    "no upstream": () => stage.ask(request),
    "no upstream for counting": () => stage.call("/v1/messages/count_tokens", request),
    "an error": () => {
      answers.push(() => json({ type: "error" }, 529));
      return stage.ask(request);
    },
    "a stream that breaks": () => {
      answers.push(() => stream([started(usage(1, 1))], "fail"));
      return stage.ask({ ...request, stream: true });
    },
    "a stream that the agent leaves": () => {
      answers.push(() => stream([started(usage(1, 1)), said("x"), counted(usage(1, 2)), stopped]));
      return stage.ask({ ...request, stream: true });
    },
  };
  for (const [way, act] of Object.entries(ways)) {
    for (let n = 0; n < 17; n += 1) {
      const response = await act();
      expect(response.status, `${way}, call ${n + 1}`).not.toBe(429);
      if (way.includes("leaves")) await response.body?.cancel();
      else await response.text().catch(String);
    }
  }
  stage.purse.shut(attempt);
  for (let n = 0; n < 17; n += 1) expect((await stage.ask(request)).status).toBe(403);
});

test("above its connections a sandbox's socket closes at once, and takes the next when one has left", async () => {
  const stage = modelStage(() => json({}));
  const { say, leave } = await openDoor(stage.app, 20);
  const held = Array.from({ length: 20 }, () => say("GET / HT"));
  await Promise.all(held.map((client) => once(client, "connect")));
  for (let n = 0; n < 50; n += 1) expect(await text(say(head("HEAD", "/", "x"))).catch(() => "")).toBe("");
  leave();
  await eventually(async () => (await text(say(head("HEAD", "/", "x"))).catch(() => "")).startsWith("HTTP/1.1 200 "), {
    withinMs,
  });
});
