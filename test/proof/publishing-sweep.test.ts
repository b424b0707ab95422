/**
 * Every call of a publish is broken once in every way that the network and GitHub know. Asked again, the same result has
 * to be there once: one branch, one commit, one pull request.
 */
import { afterAll, expect, test } from "vitest";
import { minuteMs } from "../../src/core/instant.ts";
import type { ManifestEntry } from "../../src/core/protocol.ts";
import { Refusal } from "../../src/core/refusal.ts";
import type { Published } from "../../src/core/task.ts";
import { openGitHubForge, type GitHubForge } from "../../src/github/forge.ts";
import { Dropped, secondaryLimit } from "../world/github/faults.ts";
import { openForgeWorld, toPublish, widgets, type ForgeWorld } from "../github/forge-world.ts";
import { executable, fix, onIssue, onPull, own, under } from "../github/publish-world.ts";

const breaks = {
  "lost request": () => Promise.reject(new Dropped()),
  "lost reply": async (send: () => Promise<Response>) => {
    await send();
    throw new Dropped();
  },
  "502": async () => Response.json({ message: "Server Error" }, { status: 502 }),
  "secondary limit": async () => {
    const { status, headers, body } = secondaryLimit();
    return Response.json(body, { status, ...(headers === undefined ? {} : { headers }) });
  },
} satisfies Record<string, (send: () => Promise<Response>) => Promise<Response>>;
type Break = keyof typeof breaks;
const kinds: readonly Break[] = ["lost request", "lost reply", "502", "secondary limit"];

/** A forge of its own, whose n-th call breaks. Counts its calls. */
function brokenForge(world: ForgeWorld, at: number, how: Break): { forge: GitHubForge; calls(): number } {
  let calls = 0;
  const forge = openGitHubForge({
    app: { id: world.github.app.id, privateKey: world.github.app.privateKey },
    apiUrl: world.github.apiUrl,
    webUrl: world.github.publicUrl,
    fetch: (input, init) => {
      const send = () => world.github.fetch(input instanceof Request ? input : String(input), init);
      return (calls += 1) === at ? breaks[how](send) : send();
    },
    clock: world.clock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
    installations: [],
    unique: () => `sweep-${calls}`,
  });
  return { forge, calls: () => calls };
}

type Way = {
  readonly name: string;
  readonly on: typeof onIssue;
  readonly changes: readonly ManifestEntry[];
  readonly branch: string;
  readonly branches: readonly string[];
  readonly policy?: Parameters<typeof under>[0];
};
const ways: readonly Way[] = [
  { name: "plain files", on: onIssue, changes: fix, branch: own, branches: ["main", own] },
  { name: "executable files", on: onIssue, changes: executable, branch: own, branches: ["main", own] },
  {
    name: "plain files that people are asked to review",
    on: onIssue,
    changes: fix,
    branch: own,
    branches: ["main", own],
    policy: { draft: true, reviewers: ["dana", "nobody-here", "acme/reviewers"], labels: ["bug", "new here"] },
  },
  { name: "plain files on a pull request", on: onPull, changes: fix, branch: "feature", branches: ["feature", "main"] },
  {
    name: "executable files on a pull request",
    on: onPull,
    changes: executable,
    branch: "feature",
    branches: ["feature", "main"],
  },
];

/** The clock moves between two tries, and with it the id of the commit. */
const withoutSha = (published: Published) => ({ ...published, sha: "" });

async function publishOnce(way: Way, at: number, how: Break) {
  const world = await openForgeWorld();
  const { at: place, head } = await way.on(world);
  const request = under(way.policy ?? {}, await toPublish(world, place, way.changes));
  const { forge, calls } = brokenForge(world, at, how);
  let published: Published | undefined;
  try {
    published = await forge.publish(request);
  } catch (error) {
    // It would end the task, though asking again is all that is needed.
    expect(error, `${how} at call ${at}`).not.toBeInstanceOf(Refusal);
  }
  const made = calls();
  // The longest that a first secondary limit makes us wait, and more.
  world.clock.pass(5 * minuteMs);
  const again = await forge.publish(request);
  if (published !== undefined) expect(again, `${how} at call ${at}`).toEqual(published);
  const commit = await world.github.commit(widgets, way.branch);
  expect(commit, `${how} at call ${at}`).toMatchObject({ sha: again.sha, parents: [head] });
  expect(await world.github.branches(widgets), `${how} at call ${at}`).toEqual(way.branches);
  const pulls = world.github.pulls(widgets);
  expect(pulls, `${how} at call ${at}`).toHaveLength(1);
  if (way.policy !== undefined)
    expect(pulls, `${how} at call ${at}`).toMatchObject([
      { labels: way.policy.labels, pull: { draft: true, asked: ["dana", "reviewers"] } },
    ]);
  return { published: withoutSha(again), calls: made };
}

let points = 0;

test.each(ways)(
  "a publish of $name that breaks at any call ends the same when asked again (case 13c)",
  { timeout: 300_000 },
  async (way) => {
    const calm = await publishOnce(way, 0, "502");
    for (let at = 1; at <= calm.calls; at += 1)
      for (const how of kinds) {
        const { published } = await publishOnce(way, at, how);
        expect(published, `${how} at call ${at}`).toEqual(calm.published);
        points += 1;
      }
    expect(calm.calls).toBeGreaterThanOrEqual(6);
  },
);

afterAll(() => console.log(`publishing sweep: ${points} broken calls in ${ways.length} ways, each published once`));
