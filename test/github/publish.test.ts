import { expect, test } from "vitest";
import { Refusal } from "../../src/core/refusal.ts";
import { openForgeWorld, toPublish, widgets, type ForgeWorld } from "./forge-world.ts";
import { plainFile, treeAfter, treeBefore } from "./case-12.ts";
import { put, removal } from "./manifests.ts";
import { executable, fix, onIssue, onPull, own } from "./publish-world.ts";

const text = async (world: ForgeWorld, branch: string, path: string) =>
  (await world.github.files(widgets, branch))[path]?.text;

test("plain files become one signed commit on a branch of its own, and a pull request that names its asker without a ping", async () => {
  const world = await openForgeWorld();
  const { at, head } = await onIssue(world);
  const published = await world.forge.publish(await toPublish(world, at, [...fix, removal("README.md")]));
  expect(published).toMatchObject({ branch: own, pullRequest: 2, files: 2, added: 1, removed: 2, notes: [] });
  expect(published.url).toBe("https://github.test/acme/widgets/pull/2");
  expect(await world.github.files(widgets, own)).toEqual({ "src/queue.ts": { mode: "100644", text: "fixed\n" } });
  const commit = await world.github.commit(widgets, own);
  expect(commit).toMatchObject({ sha: published.sha, parents: [head], author: "parhelia[bot]", verified: true });
  expect(commit.message).toMatchInlineSnapshot(`
    "fix the null check when the list is empty

    Asked for in https://github.test/acme/widgets/issues/1#issuecomment-900

    Parhelia-Task: t_7k2m9x4q
    Parhelia-Attempt: t_7k2m9x4q-1
    Co-authored-by: dana <1001+dana@users.noreply.github.test>"
  `);
  const [pull] = world.github.pulls(widgets);
  expect(pull).toMatchObject({ title: "fix the null check when the list is empty", pull: { base: "main" } });
  expect(pull?.body.replace(head.slice(0, 7), "4f2c1e9")).toMatchInlineSnapshot(`
    "<!-- parhelia task t_7k2m9x4q -->
    For #1, asked by [dana](https://github.test/acme/widgets/issues/1#issuecomment-900):

    > fix the null check when the list is empty

    <sub>Made from \`4f2c1e9\`. Cost: $0.00 (model $0.00, sandbox $0.00).</sub>
    <sub>Task \`t_7k2m9x4q\` of Parhelia. A person has to review and merge it.</sub>"
  `);
  expect(await world.github.branch(widgets, "main")).toBe(head);
});

test("a tree with everything in it arrives byte for byte (case 12)", async () => {
  const world = await openForgeWorld();
  await world.github.repository(widgets, { ...treeBefore, "swap/inside": "was a folder", plain: "was a file" });
  const at = world.at(world.github.as("dana").openIssue(widgets, "Everything"));
  const binary = Buffer.from([0xff, 0x00, 0xfe, 0x0a]);
  const c2 = "2".repeat(40);
  const published = await world.forge.publish(
    await toPublish(world, at, [
      put("run.sh", "echo\n", "100755"),
      removal("old.txt"),
      put("new.txt", "1\n3\n"),
      put("b.txt", "a\n"),
      removal("gone/x"),
      put("latest", "v2", "120000"),
      put("vendor/lib", c2, "160000"),
      put('naïve "q".txt', "n"),
      put("tab\there", "t"),
      put("-rf", "r"),
      put("dir/trailing ", "d"),
      put("keep.txt", "2\n"),
      put("bytes.bin", binary),
      removal("swap/inside"),
      put("swap", "is a file"),
      removal("plain"),
      put("plain/inside", "is a folder"),
    ]),
  );
  expect(await world.github.files(widgets, published.branch)).toEqual({
    ...treeAfter(c2),
    "bytes.bin": plainFile(binary.toString()),
    swap: plainFile("is a file"),
    "plain/inside": plainFile("is a folder"),
  });
  expect(published.notes).toEqual(["The submodule vendor/lib now points at 2222222."]);
});

test("many large files go in several steps and all arrive", { timeout: 30_000 }, async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const files = Array.from({ length: 110 }, (_, n) => put(`many/${n}.txt`, `${n}\n`.repeat(4_000)));
  const published = await world.forge.publish(await toPublish(world, at, files));
  expect(published.files).toBe(110);
  const there = await world.github.files(widgets, published.branch);
  expect(Object.keys(there).filter((path) => path.startsWith("many/"))).toHaveLength(110);
});

test("commits that GitHub does not sign are said to be so", async () => {
  const world = await openForgeWorld({ commitSigning: "unsigned" });
  const { at } = await onIssue(world);
  const published = await world.forge.publish(await toPublish(world, at, [put("run.sh", "x", "100755")]));
  expect(published.notes).toEqual([expect.stringContaining("did not sign")]);
});

test("a workflow file is refused with its name, the permission and its text; nothing is written (case 13a)", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, [put("src/a.ts", "a"), put(".github/workflows/ci.yml", "on: push\n")]);
  world.writes();
  const refusal = await world.forge.publish(request).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(String(refusal)).toMatch(/`\.github\/workflows\/ci\.yml`.*`workflows`[^]*on: push/);
  expect(world.writes()).toEqual([]);
});

test("somebody's commit on our branch stays; ours goes on top where it fits (case 13b)", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const theirs = await world.github.as("dana").push(widgets, { "notes.md": "dana" }, { branch: own });
  const published = await world.forge.publish(await toPublish(world, at, fix));
  expect(published).toMatchObject({ branch: own, notes: [expect.stringContaining("on top of them")] });
  expect((await world.github.commit(widgets, own)).parents).toEqual([theirs]);
  expect(await text(world, own, "notes.md")).toBe("dana");
  expect(await text(world, own, "src/queue.ts")).toBe("fixed\n");
});

test("somebody's commit to the same file stays, and ours goes to another branch (case 13b)", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const theirs = await world.github.as("dana").push(widgets, { "src/queue.ts": "dana's\n" }, { branch: own });
  const published = await world.forge.publish(await toPublish(world, at, fix));
  expect(published).toMatchObject({ branch: `${own}-2`, notes: [expect.stringContaining("commits by others")] });
  expect(await world.github.branch(widgets, own)).toBe(theirs);
  expect(world.github.pushes.filter(({ branch }) => branch === own)).toHaveLength(1);
});

test("a pull request of our own gets the commit itself", async () => {
  const world = await openForgeWorld();
  const { at, head } = await onPull(world);
  const request = await toPublish(world, at, fix);
  const published = await world.forge.publish(request);
  expect(published).toMatchObject({ branch: "feature", pullRequest: at.number, notes: [] });
  expect((await world.github.commit(widgets, "feature")).parents).toEqual([head]);
  // Once more, as after a crash: nothing new.
  expect(await world.restart().publish(request)).toEqual(published);
  expect(await world.github.branches(widgets)).toEqual(["feature", "main"]);
});

test("a pull request that has moved on is left alone; the result is offered to it", async () => {
  const world = await openForgeWorld();
  const { at } = await onPull(world);
  const request = await toPublish(world, at, fix);
  const moved = await world.github.as("dana").push(widgets, { "later.txt": "l" }, { branch: "feature" });
  const published = await world.forge.publish(request);
  expect(published).toMatchObject({ branch: own, notes: [expect.stringContaining("has moved on")] });
  expect(await world.github.branch(widgets, "feature")).toBe(moved);
  expect(world.github.pulls(widgets).at(-1)?.pull).toMatchObject({ head: `acme:${own}`, base: "feature" });
});

test("the work of a failed task never lands on the pull request", async () => {
  const world = await openForgeWorld();
  const { at, head } = await onPull(world);
  expect(await world.forge.publish(await toPublish(world, at, fix, "branch"))).toMatchObject({
    branch: own,
    pullRequest: null,
  });
  expect(await world.github.branch(widgets, "feature")).toBe(head);
});

test("a fork's pull request whose branch is called main gets a branch here, said so; our main stays (case 7)", async () => {
  const world = await openForgeWorld();
  const ours = await world.github.repository(widgets, { "a.txt": "a" });
  const fork = await world.github.as("olly").fork(widgets);
  const theirs = await world.github.as("olly").push(fork, { "src/queue.ts": "broken\n" }, { branch: "main" });
  const number = await world.github.as("olly").openPull(widgets, { head: "olly:main", title: "Mine" });
  const published = await world.forge.publish(await toPublish(world, world.at(number, "pull request"), fix));
  expect(published).toMatchObject({ branch: own, notes: [expect.stringContaining("branch of its own")] });
  expect(await world.github.branch(widgets, "main")).toBe(ours);
  expect(await world.github.branch(fork, "main")).toBe(theirs);
  expect((await world.github.commit(widgets, own)).parents).toEqual([theirs]);
  expect(world.github.pulls(widgets).at(-1)).toMatchObject({
    pull: { base: "main" },
    body: expect.stringContaining("without write access"),
  });
});

test("a protected branch refuses in GitHub's own words", async () => {
  const world = await openForgeWorld();
  const { at } = await onPull(world);
  const request = await toPublish(world, at, executable);
  world.github.protect(widgets, "feature", { status: 422, message: "Changes must be made through the merge queue" });
  await expect(world.forge.publish(request)).rejects.toThrow(
    /GitHub answered 422, “Changes must be made through the merge queue”/,
  );
  await expect(world.forge.publish(request)).rejects.toBeInstanceOf(Refusal);
});

test("where GitHub refuses the pull request, the branch is there and the reason is said", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  const body = {
    message: "Validation Failed",
    errors: [{ resource: "PullRequest", message: "No pull requests for you" }],
  };
  world.github.faults.next({ method: "POST", path: /\/pulls$/ }, { status: 422, body });
  expect(await world.forge.publish(request)).toMatchObject({
    branch: own,
    pullRequest: null,
    notes: [expect.stringContaining("No pull requests for you")],
  });
});
