import { expect, test } from "vitest";
import { minuteMs } from "../../src/core/instant.ts";
import { TaskId, Sha } from "../../src/core/ids.ts";
import type { ReportPlace, TaskView } from "../../src/core/ports/forge.ts";
import type { IssuePlace } from "../../src/core/task.ts";
import { openForgeWorld, originAt, widgets, type ForgeWorld } from "./forge-world.ts";
import { comments, done, nothing, openIssue, working } from "./report-views.ts";
import { base, running, view } from "./views.ts";

const newChecks = { method: "POST", path: /\/check-runs$/ };

/** What is left of a report that is asked for until GitHub has taken it all. */
async function settle(world: ForgeWorld, ask: () => TaskView, from: ReportPlace): Promise<ReportPlace> {
  let at = from;
  for (let n = 0; n < 20; n += 1) {
    const result = await world.forge.report(ask(), at);
    at = result.place;
    if (result.done) return at;
    world.clock.pass(result.until - world.clock.now());
  }
  throw new Error("the report is never done");
}

test("one comment, made once and edited in place; the same words are not sent twice", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  const first = await world.forge.report(working(at, world), nothing);
  expect(first).toMatchObject({ done: true, place: { comment: expect.any(Number) } });
  expect(await world.forge.report(working(at, world), first.place)).toMatchObject({ done: true });
  expect(world.writes()).toEqual([`POST /issues/${at.number}/comments`]);
  world.clock.pass(minuteMs);
  await world.forge.report(done(at, world), first.place);
  expect(world.writes()).toEqual([`PATCH /issues/comments/${first.place.comment}`]);
  const [only, ...others] = world.github.comments(widgets, at.number);
  expect(others).toEqual([]);
  expect(only?.body).toContain("<!-- parhelia task t_7k2m9x4q -->\n### ✅ Done");
});

test("a comment whose answer was lost is found and not posted again", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  world.github.faults.next(comments, "lost-reply");
  const first = await world.forge.report(working(at, world), nothing);
  expect(first.done).toBe(false);
  world.clock.pass(minuteMs);
  const place = await settle(world, () => working(at, world), first.place);
  expect(place.comment).toBe(world.github.comments(widgets, at.number)[0]?.id);
  expect(world.github.comments(widgets, at.number)).toHaveLength(1);
});

test("after a crash the comment is found again, and a stranger's copy of its first line is not taken for it", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  const copy = world.github.as("olly").comment(widgets, at.number, "<!-- parhelia task t_7k2m9x4q -->\nmine");
  const { place } = await world.forge.report(working(at, world), nothing);
  expect(place.comment).not.toBe(copy);
  expect((await world.restart().report(working(at, world), nothing)).place.comment).toBe(place.comment);
  expect(world.github.comments(widgets, at.number).map(({ author }) => author)).toEqual(["olly", "parhelia[bot]"]);
});

test("where the issue is locked or we are blocked, it is said once and not tried again (case 22)", async () => {
  const world = await openForgeWorld();
  const [locked, blocked] = [openIssue(world), world.at(world.github.as("olly").openIssue(widgets, "Help"))];
  world.github.as("dana").lock(widgets, locked.number);
  world.github.as("olly").blockApp();
  for (const at of [locked, blocked]) {
    const first = await world.forge.report(working(at, world), nothing);
    expect(first).toMatchObject({ done: true, place: { blocked: expect.stringMatching(/locked|blocked/i) } });
    world.writes();
    world.clock.pass(minuteMs);
    expect(await world.forge.report(done(at, world), first.place)).toMatchObject({ done: true });
    expect(world.writes()).toEqual([]);
    world.clock.pass(minuteMs);
  }
  expect(world.warnings).toHaveLength(2);
});

async function openPullRequest(world: ForgeWorld): Promise<{ at: IssuePlace; head: Sha }> {
  await world.github.repository(widgets, { "a.txt": "a" });
  const head = await world.github.as("dana").push(widgets, { "b.txt": "b" }, { branch: "feature" });
  const number = await world.github.as("dana").openPull(widgets, { head: "feature", title: "Feature" });
  return { at: world.at(number, "pull request"), head: Sha.parse(head) };
}

const pinnedTo = (at: IssuePlace, sha: Sha) => ({
  ...base,
  sha,
  ref: `pull request #${at.number}`,
  fetchRef: `refs/pull/${at.number}/head`,
});

test("a pull request's task reports on its pinned head, and on the new head once that is published", async () => {
  const world = await openForgeWorld();
  const { at, head } = await openPullRequest(world);
  const pinned = pinnedTo(at, head);
  const task = () => view(running({ origin: originAt(at), base: pinned }), { now: world.clock.now() });
  const place = await settle(world, task, nothing);
  expect(world.github.checkRuns(widgets)).toMatchObject([
    {
      sha: head,
      name: "parhelia",
      status: "in_progress",
      externalId: "t_7k2m9x4q",
      detailsUrl: "https://parhelia.example/tasks/t_7k2m9x4q",
    },
  ]);
  const next = Sha.parse(await world.github.as("dana").push(widgets, { "c.txt": "c" }, { branch: "feature" }));
  const published = {
    branch: "feature",
    sha: next,
    url: "https://x",
    pullRequest: at.number,
    files: 1,
    added: 1,
    removed: 0,
    notes: [],
  };
  await settle(world, () => done(at, world, { base: pinned, published }), place);
  expect(world.github.checkRuns(widgets).map(({ sha, status, conclusion }) => [sha, status, conclusion])).toEqual([
    [head, "completed", "success"],
    [next, "completed", "success"],
  ]);
});

test("an issue's task has no check run before its own commit is there", async () => {
  const world = await openForgeWorld();
  await world.github.repository(widgets, { "a.txt": "a" });
  const at = openIssue(world);
  const place = await settle(world, () => working(at, world), nothing);
  expect(world.github.checkRuns(widgets)).toEqual([]);
  const sha = Sha.parse(await world.github.as("dana").push(widgets, { "c.txt": "c" }, { branch: "parhelia/x" }));
  const published = {
    branch: "parhelia/x",
    sha,
    url: "https://x",
    pullRequest: 3,
    files: 1,
    added: 1,
    removed: 0,
    notes: [],
  };
  await settle(world, () => done(at, world, { published }), place);
  expect(world.github.checkRuns(widgets)).toMatchObject([{ sha, conclusion: "success" }]);
});

test("a check run whose answer was lost is found by the task's id, among those of other tasks", async () => {
  const world = await openForgeWorld();
  const { at, head } = await openPullRequest(world);
  const pinned = pinnedTo(at, head);
  const other = running({ id: TaskId.parse("t_00000000"), origin: originAt(at), base: pinned });
  await settle(world, () => view(other, { now: world.clock.now() }), nothing);
  world.clock.pass(minuteMs);
  world.github.faults.next(newChecks, "lost-reply");
  await settle(world, () => view(running({ origin: originAt(at), base: pinned }), { now: world.clock.now() }), nothing);
  expect(world.github.checkRuns(widgets).map(({ externalId }) => externalId)).toEqual(["t_00000000", "t_7k2m9x4q"]);
});

test("a failed check run holds up nothing: the comment is written and the report is done", async () => {
  const world = await openForgeWorld();
  const { at, head } = await openPullRequest(world);
  const { contents, issues, pull_requests, metadata } = {
    contents: "write",
    issues: "write",
    pull_requests: "write",
    metadata: "read",
  } as const;
  world.github.setPermissions(world.github.installation, { contents, issues, pull_requests, metadata });
  const task = view(running({ origin: originAt(at), base: pinnedTo(at, head) }), { now: world.clock.now() });
  expect(await world.forge.report(task, nothing)).toMatchObject({ done: true, place: { comment: expect.any(Number) } });
  world.writes();
  expect(await world.forge.report(task, nothing)).toMatchObject({ done: true });
  expect(world.writes()).toEqual([]);
});
