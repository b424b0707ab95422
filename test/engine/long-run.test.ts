/** A run that outlives the token it began with (case 10). An installation token lives an hour, and the stand-in holds it to that. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { world, type World } from "../world/world.ts";

const repository = "acme/widgets";
const minting = /\/access_tokens$/;

async function begin(w: World): Promise<void> {
  await w.comment("/parhelia run --timeout 2h fix it");
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
}

/** The work goes on for so many minutes, and its agent says so. */
async function works(w: World, minutes: number): Promise<void> {
  for (let minute = 0; minute < minutes; minute += 1) {
    await w.pass(minuteMs);
    await w.inside().says({ type: "agent_text", level: "info", message: "On it." });
  }
}

const tokenOf = async (w: World): Promise<string> => {
  const answer = (await (await w.inside().call("/gateway/repository-token")).json()) as { password: string };
  return answer.password;
};

/** What GitHub's git answers to this token at the start of a fetch. */
async function fetches(w: World, token: string): Promise<number> {
  const authorization = `Basic ${Buffer.from(`x-access-token:${token}`).toString("base64")}`;
  const url = `${w.github.publicUrl}/${repository}.git/info/refs?service=git-upload-pack`;
  return (await w.github.fetch(url, { headers: { authorization } })).status;
}

const count = (w: World, method: string, path: RegExp): number =>
  w.github.requests.filter((each) => each.method === method && path.test(each.path)).length;

test("a run longer than the token fetches, reports and publishes with fresh ones (case 10)", { timeout: 60_000 }, () =>
  world(async (w) => {
    await begin(w);
    const early = await tokenOf(w);
    expect(await fetches(w, early)).toBe(200);
    await works(w, 61);
    expect(await fetches(w, early)).toBe(401);
    const late = await tokenOf(w);
    expect(late).not.toBe(early);
    expect(await fetches(w, late)).toBe(200);
    await works(w, 14);
    const before = w.github.requests.length;
    await w.inside().ends({ files: { "a.txt": "a" } });
    await w.pass(30 * secondMs);
    const later = w.github.requests.slice(before);
    expect(later.filter(({ status }) => status === 401)).toEqual([]);
    expect(later.some(({ method, path }) => method === "PATCH" && path.includes("/issues/comments/"))).toBe(true);
    expect(later.some(({ path }) => path.includes("/check-runs"))).toBe(true);
    expect(await w.task()).toMatchObject({ state: "succeeded", published: { pullRequest: 2 } });
    expect(w.sandboxes.made).toHaveLength(1);
  }),
);

test("a token that GitHub takes back costs one new token and one more call (case 10)", () =>
  world(async (w) => {
    await begin(w);
    await w.pass(10 * secondMs);
    const minted = count(w, "POST", minting);
    w.github.revokeTokens();
    await w.inside().ends({ files: { "a.txt": "a" } });
    await w.pass(30 * secondMs);
    expect(count(w, "POST", minting) - minted).toBe(1);
    // The report and the publish go out side by side: each may meet the old token once, and they share the new one.
    const refused = w.github.requests
      .filter(({ status }) => status === 401)
      .map((each) => `${each.method} ${each.path}`);
    expect(refused.length).toBeGreaterThanOrEqual(1);
    expect(new Set(refused).size).toBe(refused.length);
    expect(await w.task()).toMatchObject({ state: "succeeded", published: { pullRequest: 2 } });
  }));

test("a second 401 is a fault; the result is kept and published without running anything again (case 10)", () =>
  world(async (w) => {
    await begin(w);
    const match = { method: "POST", path: /\/graphql$/ };
    w.github.faults.next(match, { status: 401, body: { message: "Bad credentials" } }, 2);
    await w.inside().ends({ files: { "a.txt": "a" } });
    await w.dispatch();
    expect(await w.task()).toMatchObject({ state: "publishing", tries: 1 });
    expect(w.takeFaults()).toEqual([expect.stringContaining("Bad credentials")]);
    await w.restart();
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded", attempts: 1, published: { pullRequest: 2 } });
    expect(w.github.pulls(repository)).toHaveLength(1);
    expect(w.sandboxes.made).toHaveLength(1);
  }));
