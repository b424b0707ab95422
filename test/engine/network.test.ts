/** What a repository's settings leave its sandboxes of the network, and how they get the repository without one. */
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import type { Network } from "../../src/core/network.ts";
import { settingsPath } from "../../src/core/settings/schema.ts";
import { listen } from "../../src/gateway/listen.ts";
import { world, type World } from "../world/world.ts";

const run = promisify(execFile);
const operators: Network = { reaches: "open", hosts: ["registry.example.org"] };
const open = { limits: { network: operators } };

const withSettings = async (w: World, text: string): Promise<void> => {
  await w.github.as("dana").push("acme/widgets", { [settingsPath]: text });
  await w.deliver();
};
const starts = async (w: World, on = w.issue) => {
  await w.comment("/parhelia run fix it", { on });
  await w.dispatch();
  return w.inside();
};
const isDone = async (w: World): Promise<void> => {
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends();
  await w.pass(minuteMs);
};

test("a sandbox gets the network that the settings leave of the operator's", () =>
  world(async (w) => {
    expect((await starts(w)).spec.network).toEqual(operators);
    await isDone(w);
    await withSettings(w, '[sandbox]\nnetwork = "list"\nallow_hosts = ["npm.example.org"]\n');
    expect((await starts(w)).spec.network).toEqual({ reaches: "list", hosts: ["npm.example.org"] });
    await isDone(w);
  }, open));

test("more than the operator gives is refused before anything is made, for the person to read", () =>
  world(async (w) => {
    await withSettings(w, '[sandbox]\nnetwork = "open"\n');
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    expect(w.sandboxes.made).toEqual([]);
    expect(w.said().join("\n")).toContain(
      "the operator of this Parhelia lets sandboxes reach GitHub and a list of hosts",
    );
    await w.pass(secondMs);
  }));

test("a retry is held to the settings as they are then", () =>
  world(async (w) => {
    await starts(w);
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends({ exitCode: 1 });
    await w.pass(minuteMs);
    await withSettings(w, '[sandbox]\nnetwork = "none"\n');
    await w.comment("/parhelia retry");
    await w.dispatch();
    expect(w.inside().spec.network).toEqual({ reaches: "none", hosts: [] });
    await isDone(w);
  }, open));

test("without a network the repository comes through the service, and nothing else of GitHub does", () =>
  world(async (w) => {
    await withSettings(w, '[sandbox]\nnetwork = "none"\n');
    const inside = await starts(w);
    const { source } = await inside.job();
    expect(source.url).toBeNull();
    const gateway = w.sandboxes.gateway;
    if (gateway === undefined) throw new Error("no gateway");
    const { port, close } = await listen(gateway, { host: "127.0.0.1", port: 0 });
    onTestFinished(close);
    const place = mkdtempSync(join(tmpdir(), "parhelia-fetch-"));
    onTestFinished(() => rmSync(place, { recursive: true, force: true }));
    const bearer = `http.extraHeader=Authorization: Bearer ${inside.spec.env["PARHELIA_TOKEN"]}`;
    const git = (...args: string[]) => run("git", ["-c", bearer, "-C", place, ...args]);
    const url = `http://127.0.0.1:${port}/gateway/git`;
    await git("init", "-q");
    await git("fetch", "-q", "--depth=1", url, source.sha);
    expect((await git("rev-parse", "FETCH_HEAD")).stdout.trim()).toBe(source.sha);
    expect((await git("show", `${source.sha}:${settingsPath}`)).stdout).toContain("none");
    await expect(git("push", "-q", url, "FETCH_HEAD:refs/heads/mine")).rejects.toThrow(/not found|404/);
    for (const path of ["/gateway/git/info/refs?service=git-receive-pack", "/gateway/git/info/refs"])
      expect((await inside.call(path)).status).toBe(404);
    const said = await inside.call("/gateway/git/info/refs?service=git-upload-pack");
    expect([...said.headers.keys()].toSorted()).toEqual(["cache-control", "content-type"]);
    await said.body?.cancel();
    // Another repository of the same installation is none of its business, whatever GitHub says of it.
    w.github.faults.next({ path: /info\/refs/ }, { status: 301, headers: { location: "https://evil.example" } });
    const moved = await inside.call("/gateway/git/info/refs?service=git-upload-pack");
    expect({ status: moved.status, text: await moved.text() }).toEqual({
      status: 502,
      text: "The forge did not give the repository: it answered 301.\n",
    });
    await isDone(w);
  }, open));

test("a sandbox with a way of its own to GitHub is not served by the service", () =>
  world(async (w) => {
    const inside = await starts(w);
    expect((await inside.job()).source.url).toContain("acme/widgets.git");
    expect((await inside.call("/gateway/git/info/refs?service=git-upload-pack")).status).toBe(404);
    await isDone(w);
  }));
