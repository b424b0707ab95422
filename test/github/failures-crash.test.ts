/** Lost answers, deaths at every call and two replicas at once: still one issue, and each word of it once. */
import { describe, expect, onTestFinished, test } from "vitest";
import { minuteMs } from "../../src/core/instant.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { needs } from "../world/needs.ts";
import { openUpstash } from "../world/upstash/upstash.ts";
import { world } from "../world/world.ts";
import { story } from "./failure-story.ts";
import { ends, failedJob, issueOf, rebuild, saidIn, widgets } from "./failure-runs.ts";

describe("a lost answer is looked for before anything is sent again", () => {
  test.each([
    ["of the issue", "POST", /\/issues$/, "failure"],
    ["of the comment that it passed", "POST", /\/comments$/, "success"],
    ["of closing it", "PATCH", /\/issues\/2$/, "success"],
  ])("%s", (_, method, path, conclusion) =>
    world(async (w) => {
      if (conclusion === "success") await ends(w, "failure");
      w.github.faults.next({ method, path }, "lost-reply");
      await ends(w, conclusion);
      expect(w.takeFaults()).toHaveLength(1);
      expect(issueOf(w).state).toBe(conclusion === "success" ? "closed" : "open");
      expect(saidIn(issueOf(w))).toHaveLength(conclusion === "success" ? 1 : 0);
    }),
  );

  test("of the comment that it fails again, and of opening it again", () =>
    world(async (w) => {
      await ends(w, "failure");
      await ends(w, "success");
      w.github.faults.next({ method: "POST", path: /\/comments$/ }, "lost-reply");
      w.github.faults.next({ method: "PATCH", path: /\/issues\/2$/ }, "lost-reply");
      await ends(w, "failure");
      await w.pass(minuteMs);
      expect(w.takeFaults()).toHaveLength(2);
      expect(issueOf(w).state).toBe("open");
      expect(saidIn(issueOf(w))).toHaveLength(2);
    }));
});

test(
  "a death right after each change on GitHub is made up for, and `npm run proof -- crash` has all of them",
  { timeout: 120_000 },
  async () => {
    const calm = await story();
    const changes = calm.calls.flatMap((call, at) => (call.includes("/repos/") ? [at + 1] : []));
    expect(changes.map((nth) => calm.calls[nth - 1]?.replace("/api/v3/repos/acme/widgets", ""))).toEqual([
      "POST /labels",
      "POST /labels",
      "POST /issues",
      "PATCH /issues/2",
      "POST /issues/2/comments",
      "PATCH /issues/2",
      "POST /issues/2/comments",
      "PATCH /issues/2",
    ]);
    for (const nth of changes)
      expect(await story({ nth, when: "after" }), calm.calls[nth - 1]).toMatchObject({ seen: calm.seen, died: true });
  },
);

test.skipIf(!needs("redis-server"))("three replicas that hear of it at once make one issue", async () => {
  const upstash = await openUpstash();
  onTestFinished(() => upstash.close());
  const { url, token } = upstash;
  await world(
    async (w) => {
      for (let n = 0; n < 3; n += 1)
        w.github.workflowRun(widgets, { ...rebuild, sha: "a".repeat(40), conclusion: "failure", jobs: [failedJob()] });
      for (const delivery of w.github.deliveries.pending()) w.github.deliveries.repeat(delivery);
      await w.deliver();
      await w.pass(minuteMs);
      expect(issueOf(w).body).toContain("has failed 3 times in a row");
    },
    { shared: { replicas: 3, open: (replica) => openRedisStore({ url, token, replica, prefix: "failures" }) } },
  );
});
