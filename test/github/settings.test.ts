/** Settings of a repository on GitHub: what holds, what it costs to know, and what a pull request with mistakes shows. */
import { expect, test } from "vitest";
import { Sha } from "../../src/core/ids.ts";
import { usd } from "../../src/core/money.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { settingsPath } from "../../src/core/settings/schema.ts";
import { defaultSettings } from "../../src/core/settings/settings.ts";
import { world } from "../world/world.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { put } from "./manifests.ts";

const capped = '[budget]\ntask = "$2"\n';
const broken = '[budget]\ntask = "$2"\nmonht = 3\n';

test("without a file the defaults hold", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { "a.txt": "a" });
  expect(await forge.settings(at(1))).toEqual(defaultSettings());
});

test("the default branch alone is read, and a change there counts at once", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: capped });
  await github.as("dana").push(widgets, { [settingsPath]: '[budget]\ntask = "$900"\n' }, { branch: "greedy" });
  await github.as("dana").openPull(widgets, { head: "greedy", title: "More money" });
  expect((await forge.settings(at(1))).budget.task).toBe(usd(2));
  await github.as("dana").push(widgets, { [settingsPath]: '[budget]\ntask = "$3"\n' });
  expect((await forge.settings(at(1))).budget.task).toBe(usd(3));
});

test("what is known costs nothing of the hourly limit", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: capped });
  const first = await forge.settings(at(1));
  expect(await forge.settings(at(1))).toBe(first);
  expect(github.requests.filter(({ path }) => path.includes("contents")).map(({ status }) => status)).toEqual([
    200, 304,
  ]);
});

test("the same file under another ETag, as each new token brings it, is not read again", async () => {
  const { github, forge, at } = await openForgeWorld();
  const body = { type: "file", sha: "a1", size: 26, content: Buffer.from(capped).toString("base64") };
  const answer = async (etag: string) => {
    github.faults.next({ path: /contents/ }, { status: 200, headers: { etag }, body });
    return forge.settings(at(1));
  };
  expect(await answer('W/"another"')).toBe(await answer('W/"one"'));
});

test("a file that was removed leaves the defaults, and one that comes back counts again", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: capped });
  await forge.settings(at(1));
  await github.as("dana").push(widgets, { [settingsPath]: null });
  expect((await forge.settings(at(1))).budget.task).toBeUndefined();
  await github.as("dana").push(widgets, { [settingsPath]: capped });
  expect((await forge.settings(at(1))).budget.task).toBe(usd(2));
});

test("a renamed repository keeps its settings", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: capped });
  github.rename(widgets, "gadgets");
  expect((await forge.settings(at(1))).budget.task).toBe(usd(2));
});

test.each([
  [
    "an unknown key",
    broken,
    "- line 3: budget.monht: there is no such key. Known: task, repository_day, repository_month.",
  ],
  ["no TOML", "[budget\n", "- line 1: Invalid TOML document"],
  ["more than 64 KiB", `# ${"a".repeat(70_000)}\n`, "- line 1: the file has more than 64 KiB. Shorten it."],
  [
    "bytes that are no text",
    new Uint8Array([0x5b, 0xff, 0xfe]),
    "- line 1: this is no text in UTF-8. Save it as UTF-8.",
  ],
])("a file that cannot be used refuses work and says why: %s", async (_, file, said) => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: typeof file === "string" ? file : Buffer.from(file) });
  for (const _time of ["at first", "and from memory"]) {
    const refusal = await forge.settings(at(1)).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(Refusal);
    expect(String(refusal)).toContain(said);
  }
});

test("a folder in the place of the file refuses work", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [`${settingsPath}/x`]: "a" });
  await expect(forge.settings(at(1))).rejects.toThrow("this is no file. Put a file in its place.");
});

test("words of the file cannot ping or link in the refusal", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: '"@olly https://evil.example" = 1\n' });
  const refusal = String(await forge.settings(at(1)).catch((error: unknown) => error));
  expect(refusal).not.toContain("@olly");
  expect(refusal).not.toContain("https://evil");
});

test("an answer that does not come is a fault, never the defaults", async () => {
  const { github, forge, at } = await openForgeWorld();
  github.faults.next({ path: /contents/ }, { status: 502 });
  await expect(forge.settings(at(1))).rejects.not.toBeInstanceOf(Refusal);
});

const settingsRuns = (github: Awaited<ReturnType<typeof openForgeWorld>>["github"], sha: string) =>
  github.checkRuns(widgets, sha).filter(({ name }) => name === "Parhelia settings");

test("a pull request that brings mistakes shows each on its line, once, and nothing of it takes effect", () =>
  world(async (w) => {
    const dana = w.github.as("dana");
    const head = await dana.push(
      widgets,
      { [settingsPath]: `${broken}[sandbox]\ncpu = "many"\n` },
      { branch: "settings" },
    );
    const number = await dana.openPull(widgets, { head: "settings", title: "Settings" });
    await w.deliver();
    await w.dispatch();
    await w.dispatch();
    const [run, ...others] = settingsRuns(w.github, head);
    expect(others).toEqual([]);
    expect(run).toMatchObject({ status: "completed", conclusion: "failure", output: { title: "2 problems" } });
    expect(run?.annotations).toMatchObject([
      { path: settingsPath, start_line: 3, annotation_level: "failure", title: "budget.monht" },
      { path: settingsPath, start_line: 5, annotation_level: "failure", title: "sandbox.cpu" },
    ]);
    expect(w.said(number)).toEqual([]);
    const fixed = await dana.push(widgets, { [settingsPath]: capped }, { branch: "settings" });
    await w.deliver();
    await w.dispatch();
    expect(settingsRuns(w.github, fixed)).toMatchObject([{ conclusion: "success" }]);
  }));

test("a redelivery and a second hook make no second run; a death on the way is made up for", () =>
  world(async (w) => {
    w.github.organizationHook("acme", "as-app");
    const dana = w.github.as("dana");
    const head = await dana.push(widgets, { [settingsPath]: broken }, { branch: "settings" });
    await dana.openPull(widgets, { head: "settings", title: "Settings" });
    await w.deliver();
    w.github.faults.next({ method: "POST", path: /check-runs/ }, { status: 502 });
    await w.dispatch();
    expect(w.takeFaults()).toHaveLength(1);
    await w.pass(60_000);
    expect(settingsRuns(w.github, head)).toHaveLength(1);
  }));

test("pull requests that leave the settings alone, and installations that are not served, get no run", async () => {
  await world(async (w) => {
    const dana = w.github.as("dana");
    const head = await dana.push(widgets, { "b.txt": "b" }, { branch: "other" });
    await dana.openPull(widgets, { head: "other", title: "Other" });
    await w.deliver();
    await w.dispatch();
    expect(settingsRuns(w.github, head)).toEqual([]);
  });
  await world(
    async (w) => {
      const dana = w.github.as("dana");
      await dana.push(widgets, { [settingsPath]: broken }, { branch: "settings" });
      await dana.openPull(widgets, { head: "settings", title: "Settings" });
      await w.deliver();
      const before = w.github.requests.length;
      await w.dispatch();
      expect(w.github.requests.slice(before)).toEqual([]);
    },
    { installations: [1] },
  );
});

test("a change that a task publishes is checked like any other", async () => {
  const made = await openForgeWorld();
  const { github, forge, at } = made;
  await github.repository(widgets, { "a.txt": "a" });
  const issue = github.as("dana").openIssue(widgets, "Settings, please");
  const published = await forge.publish(await toPublish(made, at(issue), [put(settingsPath, broken)]));
  expect(settingsRuns(github, published.sha)).toMatchObject([{ conclusion: "failure" }]);
  await forge.publish(await toPublish(made, at(issue), [put(settingsPath, broken)]));
  expect(settingsRuns(github, published.sha)).toHaveLength(1);
});

test("a change of other files is published without a look at the settings", async () => {
  const made = await openForgeWorld();
  const { github, forge, at } = made;
  await github.repository(widgets, { [settingsPath]: broken });
  const issue = github.as("dana").openIssue(widgets, "Something else");
  const published = await forge.publish(await toPublish(made, at(issue), [put("b.txt", "b")]));
  expect(settingsRuns(github, published.sha)).toEqual([]);
  expect(github.requests.filter(({ path }) => path.includes("contents") || path.endsWith("/files"))).toEqual([]);
});

test("a fork's settings are checked at the fork's commit; removing the file is said", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { [settingsPath]: capped });
  const fork = await github.as("olly").fork(widgets);
  const theirs = await github.as("olly").push(fork, { [settingsPath]: broken }, { branch: "main" });
  const number = await github.as("olly").openPull(widgets, { head: "olly:main", title: "Mine" });
  await forge.checkSettings(at(number, "pull request"), Sha.parse(theirs));
  expect(settingsRuns(github, theirs)).toMatchObject([{ conclusion: "failure" }]);
  const gone = await github.as("dana").push(widgets, { [settingsPath]: null }, { branch: "gone" });
  const other = await github.as("dana").openPull(widgets, { head: "gone", title: "Without" });
  await forge.checkSettings(at(other, "pull request"), Sha.parse(gone));
  expect(settingsRuns(github, gone)).toMatchObject([
    { conclusion: "success", output: { title: "The file is removed" } },
  ]);
});

test("more problems than GitHub takes annotations are counted in words", async () => {
  const { github, forge, at } = await openForgeWorld();
  await github.repository(widgets, { "a.txt": "a" });
  const keys = Array.from({ length: 120 }, (_, n) => `key_${n} = 1`).join("\n");
  const head = await github.as("dana").push(widgets, { [settingsPath]: `[sandbox]\n${keys}\n` }, { branch: "many" });
  const number = await github.as("dana").openPull(widgets, { head: "many", title: "Many" });
  await forge.checkSettings(at(number, "pull request"), Sha.parse(head));
  const [run] = settingsRuns(github, head);
  expect(run?.annotations).toHaveLength(50);
  expect(run?.output?.title).toBe("120 problems");
  expect(run?.output?.summary).toContain("- and 70 more");
});
