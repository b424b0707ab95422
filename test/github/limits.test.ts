import { expect, test } from "vitest";
import { TaskId } from "../../src/core/ids.ts";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { secondaryLimit } from "../world/github/faults.ts";
import { openForgeWorld, originAt, widgets } from "./forge-world.ts";
import { comments, done, nothing, openIssue, working } from "./report-views.ts";
import { running, view } from "./views.ts";

const edits = { method: "PATCH", path: /\/issues\/comments\/\d+$/ };

test("a secondary limit puts reports off, longer each time, and the last state is posted once (case 9)", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  world.clock.pass(5 * minuteMs);
  let place = (await world.forge.report(working(at, world), nothing)).place;
  world.writes();
  world.github.faults.next(edits, secondaryLimit(), 4);
  const waits: number[] = [];
  for (let n = 0; n < 4; n += 1) {
    world.clock.pass(2 * secondMs);
    const result = await world.forge.report(working(at, world), place);
    if (result.done) throw new Error("it was to be put off");
    waits.push(result.until - world.clock.now());
    // In between nothing is sent at all.
    const before = world.github.requests.length;
    expect(await world.forge.report(working(at, world), place)).toMatchObject({ done: false, until: result.until });
    expect(world.github.requests.length).toBe(before);
    // Who asks for something else is not held up.
    expect(await world.forge.authority(at, { id: 1, login: "nobody" })).toBe("none");
    world.clock.pass(waits[n] ?? 0);
    place = result.place;
  }
  expect(waits).toEqual([60_000, 120_000, 240_000, 480_000]);
  world.writes();
  expect(await world.forge.report(done(at, world), place)).toMatchObject({ done: true });
  expect(world.writes()).toEqual([`PATCH /issues/comments/${place.comment}`]);
  expect(world.github.comments(widgets, at.number)[0]?.body).toContain("✅ Done");
});

test("new comments of many tasks at once go a second apart", async () => {
  const world = await openForgeWorld();
  const places = [openIssue(world), openIssue(world), openIssue(world)];
  const asks = places.map((at, n) =>
    view(running({ id: TaskId.parse(`t_0000000${n}`), origin: originAt(at) }), { now: world.clock.now() }),
  );
  const results = await Promise.all(asks.map((ask) => world.forge.report(ask, nothing)));
  expect(results.map((each) => (each.done ? 0 : each.until - world.clock.now()))).toEqual([0, 1_000, 2_000]);
});

test("one 401 leads to one new token and one retry; a second 401 is a fault (case 10)", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  const { place } = await world.forge.report(working(at, world), nothing);
  const minted = () => world.github.requests.filter(({ path }) => path.endsWith("/access_tokens")).length;
  expect(minted()).toBe(1);
  world.github.revokeTokens();
  world.clock.pass(75 * minuteMs);
  expect(await world.forge.report(done(at, world), place)).toMatchObject({ done: true });
  expect(minted()).toBe(2);
  world.github.revokeTokens();
  world.clock.pass(minuteMs);
  expect(await world.forge.authority(at, { id: 1, login: "nobody" })).toBe("none");
  expect(minted()).toBe(3);
  world.github.faults.next({ path: /\/permission$/ }, { status: 401, body: { message: "Bad credentials" } }, 2);
  await expect(world.forge.authority(at, { id: 1, login: "dana" })).rejects.toThrow("Bad credentials");
  expect(minted()).toBe(4);
});

test("a sandbox's token reads one repository and writes nothing", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  const { username, password } = await world.forge.repositoryToken(running({ origin: originAt(at) }));
  expect(username).toBe("x-access-token");
  const ask = (method: string, path: string, body?: object) =>
    world.github.fetch(`${world.github.apiUrl}${path}`, {
      method,
      headers: { authorization: `token ${password}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  expect((await ask("GET", `/repos/${widgets}/issues/${at.number}`)).status).toBe(200);
  expect((await ask("POST", `/repos/${widgets}/issues/${at.number}/comments`, { body: "x" })).status).toBe(403);
  expect((await ask("POST", `/repos/${widgets}/git/blobs`, { content: "x" })).status).toBe(403);
});

test("a reply is posted once, also when its answer was lost, and given up where nobody may write", async () => {
  const world = await openForgeWorld();
  const at = openIssue(world);
  world.github.faults.next(comments, "lost-reply");
  await expect(world.forge.reply(at, "d1-900", "It runs.")).rejects.toThrow("ECONNRESET");
  await world.restart().reply(at, "d1-900", "It runs.");
  await world.forge.reply(at, "d1-901", "Another.");
  expect(world.github.comments(widgets, at.number).map(({ body }) => body)).toEqual([
    "<!-- parhelia reply d1-900 -->\nIt runs.",
    "<!-- parhelia reply d1-901 -->\nAnother.",
  ]);
  world.github.as("dana").lock(widgets, at.number);
  await world.forge.reply(at, "d1-902", "Too late.");
  expect(world.github.comments(widgets, at.number)).toHaveLength(2);
});
