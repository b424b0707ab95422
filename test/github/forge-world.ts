/** The forge against a stand-in of GitHub, with a clock that is moved by hand. Nothing of one test is seen by another. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { InstallationId } from "../../src/core/ids.ts";
import { Instant } from "../../src/core/instant.ts";
import type { ManifestEntry } from "../../src/core/protocol.ts";
import type { PublishRequest } from "../../src/core/ports/forge.ts";
import type { IssuePlace, Task } from "../../src/core/task.ts";
import { openGitHubForge, type GitHubForge } from "../../src/github/forge.ts";
import { openGitHub, type GitHubOptions, type GitHubStandIn } from "../world/github/open-github.ts";
import { entries } from "./manifests.ts";
import { place, publishing, startMs, view } from "./views.ts";

export const widgets = "acme/widgets";

export type ForgeWorld = {
  readonly github: GitHubStandIn;
  readonly forge: GitHubForge;
  readonly clock: { now(): Instant; pass(ms: number): void };
  /** Id of the installation and of `acme/widgets`, at an issue or a pull request. */
  at(number: number, kind?: "issue" | "pull request"): IssuePlace;
  /** Writes since the last question: `POST /repos/…`. */
  writes(): string[];
  /** The service dies once its n-th write from now, counted from 1, is done: no answer reaches it, and no call does after. */
  dieAtWrite(n: number): void;
  /** The same service after a crash: nothing in memory. */
  restart(): GitHubForge;
  readonly warnings: readonly object[];
};

/** Ends the test with a failure where a call was unknown or a fault never came. */
export async function openForgeWorld(options: Partial<GitHubOptions> = {}): Promise<ForgeWorld> {
  const directory = await mkdtemp(join(tmpdir(), "forge-"));
  let nowMs = startMs;
  const github = await openGitHub({
    directory,
    now: () => nowMs,
    webhookSecret: "unused",
    publicUrl: "https://github.test",
    ...options,
  });
  const warnings: object[] = [];
  const note = (facts: object) => void warnings.push(facts);
  const clock = {
    now: () => Instant.parse(nowMs),
    pass(ms: number) {
      nowMs += ms;
    },
  };
  let calls = 0;
  let writesToLive = Number.POSITIVE_INFINITY;
  // As `fetch` does: a renamed repository answers with its new address.
  const follow = async (url: string, init?: RequestInit): Promise<Response> => {
    const answer = await github.fetch(url, init);
    const to = answer.headers.get("location");
    return to !== null && [301, 307].includes(answer.status) ? github.fetch(to, init) : answer;
  };
  const mortal: typeof fetch = async (input, init) => {
    if (writesToLive <= 0) throw new TypeError("the service is dead");
    const answer = await follow(String(input), init);
    const isWrite = github.requests.at(-1)?.isWrite === true;
    if (isWrite && (writesToLive -= 1) <= 0) throw new TypeError("the service died");
    return answer;
  };
  const open = () =>
    openGitHubForge({
      app: { id: github.app.id, privateKey: github.app.privateKey },
      apiUrl: github.apiUrl,
      webUrl: github.publicUrl,
      fetch: mortal,
      clock,
      log: { info: note, warn: note, error: note },
      unique: () => `unique-${(calls += 1)}`,
      publicUrl: "https://parhelia.example",
      installations: [github.installation],
    });
  onTestFinished(async () => {
    await github.close();
    await rm(directory, { recursive: true, force: true });
    expect(github.unknownRequests).toEqual([]);
    expect(github.faults.unused()).toEqual([]);
  });
  let seen = 0;
  return {
    github,
    forge: open(),
    clock,
    at: (number, kind = "issue") => ({
      ...place,
      installation: InstallationId.parse(github.installation),
      number,
      pullRequest: kind === "pull request",
    }),
    writes() {
      const all = github.requests.filter((each) => each.isWrite);
      const fresh = all.slice(seen).map(({ method, path }) => `${method} ${path.replace(`/repos/${widgets}`, "")}`);
      seen = all.length;
      return fresh;
    },
    dieAtWrite(n) {
      writesToLive = n;
    },
    restart() {
      writesToLive = Number.POSITIVE_INFINITY;
      return open();
    },
    warnings,
  };
}

/** A task that is about to publish, as it would be after being pinned here. */
export async function toPublish(
  world: ForgeWorld,
  at: IssuePlace,
  changes: readonly ManifestEntry[],
  as: PublishRequest["as"] = "pull-request",
): Promise<PublishRequest> {
  const asking = publishing({ origin: originAt(at) });
  const pinned = await world.forge.pin(asking);
  const task = publishing({ origin: originAt(at), base: pinned });
  return { view: view(task), base: pinned, as, changes: () => entries(changes) };
}

export const originAt = (at: IssuePlace): Task["origin"] => ({
  place: at,
  actor: { id: danaId, login: "dana" },
  comment: { id: 900, url: `https://github.test/acme/widgets/issues/${at.number}#issuecomment-900` },
});

/** The first account after the organisation that the stand-in makes. */
const danaId = 1001;
