import { expect, test } from "vitest";
import { AttemptId } from "../../src/core/ids.ts";
import type { PublishRequest } from "../../src/core/ports/forge.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { executable, fix, onIssue, own } from "./publish-world.ts";

type Lost = readonly [string, { readonly method: string; readonly path: RegExp }];
const losses: readonly Lost[] = [
  ["the branch", { method: "POST", path: /\/git\/refs$/ }],
  ["the signed commit", { method: "POST", path: /\/graphql$/ }],
  ["the pull request", { method: "POST", path: /\/pulls$/ }],
];

test.each(losses)("%s is made once though the answer was lost (case 13c)", async (_, match) => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  world.github.faults.next(match, "lost-reply");
  const published = await world.forge.publish(await toPublish(world, at, fix));
  expect(published).toMatchObject({ branch: own, pullRequest: 2 });
  expect(await world.github.branches(widgets)).toEqual(["main", own]);
  expect(world.github.pulls(widgets)).toHaveLength(1);
});

test.each([
  ["plain files", fix],
  ["executable files", executable],
] as const)(
  "asked again after a crash at any write, publishing %s ends the same (case 13c)",
  { timeout: 30_000 },
  async (_, changes) => {
    let crashes = 0;
    for (let write = 1; ; write += 1) {
      const world = await openForgeWorld();
      const { at, head } = await onIssue(world);
      const request = await toPublish(world, at, changes);
      world.dieAtWrite(write);
      const hasDied = await world.forge.publish(request).then(
        () => false,
        () => true,
      );
      const published = await world.restart().publish(request);
      expect(published).toMatchObject({ branch: own, pullRequest: 2 });
      expect((await world.github.commit(widgets, own)).parents).toEqual([head]);
      expect(await world.github.branches(widgets)).toEqual(["main", own]);
      expect(world.github.pulls(widgets)).toHaveLength(1);
      if (!hasDied) break;
      crashes += 1;
    }
    expect(crashes).toBeGreaterThanOrEqual(3);
  },
);

test("a second attempt at the same task gets a branch of its own, and the first one's stays", async () => {
  const world = await openForgeWorld();
  const { at } = await onIssue(world);
  const request = await toPublish(world, at, fix, "branch");
  const first = await world.forge.publish(request);
  expect(first).toMatchObject({ branch: own, pullRequest: null, url: `https://github.test/acme/widgets/tree/${own}` });
  const { attempt, ...rest } = request.view;
  if (attempt === undefined) throw new Error("the view has no attempt");
  const again: PublishRequest = {
    ...request,
    as: "pull-request",
    view: { ...rest, attempt: { ...attempt, id: AttemptId.parse("t_7k2m9x4q-2") } },
  };
  const second = await world.forge.publish(again);
  expect(second).toMatchObject({ branch: `${own}-2`, pullRequest: 2, notes: [] });
  expect(await world.github.branch(widgets, own)).toBe(first.sha);
});
