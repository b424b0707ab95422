/** What a repository's settings say of how results are handed over. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { world, type World } from "../world/world.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { fix, onIssue, onPull, under } from "./publish-world.ts";

async function settings(w: World, toml: string): Promise<void> {
  await w.github.as("dana").push(widgets, { ".parhelia/config.toml": toml });
  await w.deliver();
}

async function finish(w: World, file: string): Promise<void> {
  await w.inside().says();
  await w.inside().ends({ files: { [file]: "a\n" } });
  await w.pass(minuteMs);
}

test("a pull request is a draft, on a branch of this name, with these labels, and these people and teams are asked", () =>
  world(async (w) => {
    await settings(
      w,
      '[publish]\ndraft = true\nbranch_prefix = "bots/p/"\nreviewers = ["dana", "acme/reviewers"]\nlabels = ["bug", "made by us"]\n',
    );
    await w.comment("/parhelia run fix it");
    await w.pass(secondMs);
    await finish(w, "a.txt");
    expect(w.github.pulls(widgets)).toMatchObject([
      { labels: ["bug", "made by us"], pull: { draft: true, asked: ["dana", "reviewers"] } },
    ]);
    expect(w.github.pulls(widgets)[0]?.pull.head).toMatch(/^acme:bots\/p\/t_[a-z0-9]{8}-fix-it$/);
    expect(await w.task()).toMatchObject({ state: "succeeded", published: { notes: [] } });
    expect(await w.tasks()).toHaveLength(1);
  }));

test(
  "a retry takes what the settings say by then, but its branch keeps the beginning of its name",
  { timeout: 60_000 },
  () =>
    world(async (w) => {
      await settings(w, '[publish]\nbranch_prefix = "one/"\n');
      await w.comment("/parhelia run fix it");
      await w.pass(secondMs);
      await finish(w, "a.txt");
      await settings(w, '[publish]\nbranch_prefix = "two/"\nlabels = ["later"]\n');
      await w.comment(`/parhelia retry ${(await w.task()).id}`);
      await w.pass(secondMs);
      await finish(w, "b.txt");
      expect(await w.task()).toMatchObject({ published: { branch: expect.stringMatching(/^one\/t_/) } });
      expect(w.github.pulls(widgets).at(-1)?.labels).toEqual(["later"]);
    }),
);

test("who cannot be asked is named with GitHub's reason, and the others are asked all the same", async () => {
  const w = await openForgeWorld();
  const { at } = await onIssue(w);
  const reviewers = ["dana", "nobody-here", "parhelia[bot]", "acme/reviewers", "acme/none", "other/reviewers"];
  const published = await w.forge.publish(under({ reviewers }, await toPublish(w, at, fix)));
  expect(w.github.pulls(widgets)[0]?.pull.asked).toEqual(["dana", "reviewers"]);
  const stranger =
    "“Reviews may only be requested from collaborators. One or more of the users or teams you specified is not a collaborator of the acme/widgets repository.”";
  expect(published.notes).toEqual([
    "other/reviewers was not asked to review: it is no team of acme.",
    `nobody-here was not asked to review: ${stranger}`,
    "parhelia[bot] was not asked to review: “Review cannot be requested from pull request author.”",
    `acme/none was not asked to review: ${stranger}`,
  ]);
});

test("labels that GitHub does not put on are told of, and the result is published", async () => {
  const w = await openForgeWorld();
  const { at } = await onIssue(w);
  w.github.faults.next(
    { method: "POST", path: /\/labels$/ },
    { status: 422, body: { message: "Validation Failed", errors: ["a label is too long"] } },
  );
  const published = await w.forge.publish(under({ labels: ["bug"] }, await toPublish(w, at, fix)));
  expect(published).toMatchObject({
    pullRequest: 2,
    notes: ["The labels of `publish.labels` are missing: “Validation Failed: a label is too long”"],
  });
});

test("a pull request that is not ours, or that somebody closed, stays as it is", async () => {
  const theirs = await openForgeWorld();
  const policy = { draft: true, reviewers: ["acme/reviewers"], labels: ["bug"] };
  const { at } = await onPull(theirs);
  await theirs.forge.publish(under(policy, await toPublish(theirs, at, fix)));
  expect(theirs.github.pulls(widgets)).toMatchObject([{ labels: [], pull: { draft: false, asked: [] } }]);

  const closed = await openForgeWorld();
  const request = await toPublish(closed, (await onIssue(closed)).at, fix);
  const { pullRequest } = await closed.forge.publish(request);
  closed.github.as("dana").close(widgets, pullRequest ?? 0);
  await closed.forge.publish(under(policy, request));
  expect(closed.github.pulls(widgets)).toMatchObject([{ labels: [], pull: { asked: [] } }]);
});
