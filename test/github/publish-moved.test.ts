/** What changes on GitHub between the start of the work and its publish: bases, pull requests, names, rights. */
import { expect, test } from "vitest";
import { Refusal } from "../../src/core/refusal.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { executable, fix, onIssue, onPull, own } from "./publish-world.ts";

test("a base that was force-pushed away is still what the result is made from; the pull request asks to merge into its branch", async () => {
  const world = await openForgeWorld();
  const { at, head } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  await world.github.as("dana").deleteBranch(widgets, "main");
  await world.github.as("dana").push(widgets, { "src/queue.ts": "rewritten\n" }, { branch: "main" });
  const published = await world.forge.publish(request);
  expect(published).toMatchObject({ branch: own, pullRequest: 2 });
  expect((await world.github.commit(widgets, own)).parents).toEqual([head]);
});

test("where the pull request's branch is deleted during the run, the result is offered to the branch below it", async () => {
  const world = await openForgeWorld();
  const { at } = await onPull(world);
  const request = await toPublish(world, at, fix);
  await world.github.as("dana").deleteBranch(widgets, "feature");
  const published = await world.forge.publish(request);
  expect(published).toMatchObject({ branch: own, pullRequest: 2, notes: [expect.stringContaining("during the run")] });
  expect(world.github.pulls(widgets).at(-1)?.pull).toMatchObject({ base: "main" });
});

test("where the branch to merge into is gone, the result's branch is kept and GitHub's reason is said", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  const published = await world.forge.publish({ ...request, base: { ...request.base, into: "gone" } });
  expect(published).toMatchObject({
    branch: own,
    pullRequest: null,
    notes: [expect.stringContaining("GitHub refused the pull request")],
  });
});

test.each(["closed", "merged"] as const)("a pull request %s during the run loses no result", async (how) => {
  const world = await openForgeWorld();
  const { at } = await onPull(world);
  const request = await toPublish(world, at, fix);
  if (how === "merged") await world.github.as("dana").merge(widgets, at.number);
  else world.github.as("dana").close(widgets, at.number);
  const published = await world.forge.publish(request);
  expect(await world.github.files(widgets, published.branch)).toHaveProperty(["src/queue.ts", "text"], "fixed\n");
  // A commit on the branch of a request that nobody will merge is a result that nobody sees.
  expect(published).toMatchObject({ branch: own, notes: [expect.stringContaining(`was ${how}`)] });
});

test.each([
  ["plain files", fix],
  ["executable files", executable],
] as const)("a repository renamed during the run gets %s all the same", async (_, changes) => {
  const world = await openForgeWorld();
  const { at, head } = await onIssue(world);
  const request = await toPublish(world, at, changes);
  world.github.rename(widgets, "gadgets");
  const published = await world.forge.publish(request);
  expect(published).toMatchObject({ branch: own, pullRequest: 2 });
  expect(published.url).toBe("https://github.test/acme/gadgets/pull/2");
  expect((await world.github.commit("acme/gadgets", own)).parents).toEqual([head]);
});

test("the addresses of a branch and of the pull request that was asked on have the repository's new name too", async () => {
  const kept = await openForgeWorld();
  const ofIssue = await toPublish(kept, (await onIssue(kept)).at, fix, "branch");
  kept.github.rename(widgets, "gadgets");
  expect(await kept.forge.publish(ofIssue)).toMatchObject({ url: `https://github.test/acme/gadgets/tree/${own}` });
  const pulled = await openForgeWorld();
  const { at } = await onPull(pulled);
  const ofPull = await toPublish(pulled, at, fix);
  pulled.github.rename(widgets, "gadgets");
  expect(await pulled.forge.publish(ofPull)).toMatchObject({
    branch: "feature",
    url: `https://github.test/acme/gadgets/pull/${at.number}`,
  });
});

test.each([
  ["plain files", fix],
  ["executable files", executable],
] as const)("an archived repository refuses %s in GitHub's own words", async (_, changes) => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, changes);
  world.github.archive(widgets);
  const refusal = await world.forge.publish(request).catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(String(refusal)).toContain("archived");
});

test("where the app's right to write was taken away, the refusal says GitHub's words; given back, the same result is published", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  const all = { metadata: "read", issues: "write", pull_requests: "write", checks: "write" } as const;
  world.github.setPermissions(world.github.installation, { ...all, contents: "read" });
  const refusal = await world
    .restart()
    .publish(request)
    .catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(Refusal);
  expect(String(refusal)).toContain("Resource not accessible by integration");
  expect(await world.github.branches(widgets)).toEqual(["main"]);
  world.github.setPermissions(world.github.installation, { ...all, contents: "write" });
  expect(await world.restart().publish(request)).toMatchObject({ branch: own, pullRequest: 2 });
});

test("a ruleset's words are shown as they are; once it is lifted the same result is published once", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  world.github.protect(widgets, own, { status: 422, message: "Repository rule violations found: no new branches" });
  await expect(world.forge.publish(request)).rejects.toThrow(/“Repository rule violations found: no new branches”/);
  world.github.protect(widgets, own, "not");
  expect(await world.forge.publish(request)).toMatchObject({ branch: own, pullRequest: 2 });
  expect(await world.github.branches(widgets)).toEqual(["main", own]);
});

test("a repository that took the old name of another gets nothing", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix);
  world.github.rename(widgets, "gadgets");
  await world.github.repository(widgets, { "src/queue.ts": "another\n" });
  await expect(world.forge.publish(request)).rejects.toThrow(/another repository now/);
  expect(await world.github.branches(widgets)).toEqual(["main"]);
});
