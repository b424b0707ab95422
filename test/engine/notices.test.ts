/** Notices: budget steps and alerts, each told once to the operator's issue and webhook, whatever breaks on the way. */
import { createHmac } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { expect, onTestFinished, test } from "vitest";
import { z } from "zod";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { listEvents } from "../../src/records/events.ts";
import { badGateway, type FaultAnswer } from "../world/github/faults.ts";
import type { Moment } from "../world/life.ts";
import type { Ending } from "../world/sandboxes.ts";
import { unbounded, world, type World } from "../world/world.ts";

const Posted = z.object({
  key: z.string(),
  kind: z.string(),
  at: z.string(),
  text: z.string(),
  facts: z.record(z.string(), z.json()),
});

/** An operator's address that answers with these statuses, the last one from then on. */
async function listener(...statuses: number[]) {
  const posted: { body: string; signature: string | undefined; said: z.output<typeof Posted> }[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const signature = request.headers["x-parhelia-signature-256"];
      posted.push({ body, signature: String(signature), said: Posted.parse(JSON.parse(body)) });
      response.writeHead((statuses.length > 1 ? statuses.shift() : statuses[0]) ?? 204).end();
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => void server.close());
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The listener has no port.");
  return { posted, url: `http://127.0.0.1:${address.port}/hook?token=t` };
}

const ops = "ops/alerts";
const elsewhere = [ops];

async function run(w: World, ending?: Ending): Promise<void> {
  await begin(w);
  await w.inside().ends(ending);
  await w.pass(30 * secondMs);
}

const tight = { budgets: { ...unbounded, user: { day: usd(0.44), month: undefined } } };

async function finish(w: World): Promise<void> {
  await w.inside().says();
  await w.inside().ends();
  await w.pass(minuteMs);
}

/** It runs, and may be silent for as long as the backend knows it. */
async function begin(w: World): Promise<void> {
  await w.comment("/parhelia run -- make");
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
}

const events = async (w: World, type: string) =>
  (await listEvents(w.store, w.now(), { level: "warning", limit: 100 })).filter(({ event }) => event.type === type);

const noticesIn = (w: World, issue: number) =>
  w.github.comments(ops, issue).map(({ body }) => body.split("\n").slice(1).join("\n"));

test("a step of a ceiling is told once: an issue with a comment, an event; not again at the next round or after a restart", () =>
  world(
    async (w) => {
      await begin(w);
      await w.reconcile();
      await w.reconcile();
      await w.restart();
      await w.reconcile();
      const issues = w.github.issues(ops);
      expect(issues.map(({ title }) => title)).toEqual(["Parhelia: budgets, 2026-11"]);
      expect(noticesIn(w, 1)).toEqual([
        "**85 %** of a ceiling: $0.38 of $0.44 of dana today used or reserved. It starts anew on 2026-11-26 (UTC).",
      ]);
      expect((await events(w, "budget_step")).map(({ event }) => event)).toMatchObject([
        { level: "warning", details: { scope: expect.stringMatching(/^user\/\d+\/2026-11-25$/), percent: 85 } },
      ]);
      await finish(w);
    },
    {
      elsewhere,
      operator: { repository: ops, alerts: { budgetSteps: [50, 85, 100] } },
      limits: tight,
    },
  ));

test("a start that waits for money is the whole ceiling; a new day has steps of its own, in the same issue", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run -- make");
      await w.comment("/parhelia run -- make again");
      await w.dispatch();
      await w.reconcile();
      expect(noticesIn(w, 1)).toEqual([
        expect.stringMatching(
          /^\*\*100 %\*\* .*\$0\.38 of \$0\.60 of acme\/widgets today .*; a task waits because the rest does not cover it\./,
        ),
      ]);
      await w.inside().says();
      await w.inside().ends();
      await w.pass(11 * minuteMs);
      await w.inside().says();
      await w.inside().ends();
      w.jump(24 * hourMs);
      await w.comment("/parhelia run -- make");
      await w.comment("/parhelia run -- make again");
      await w.dispatch();
      await w.reconcile();
      expect(w.github.issues(ops)).toHaveLength(1);
      expect(noticesIn(w, 1)).toHaveLength(2);
      for (let task = 0; task < 2; task += 1) {
        await w.inside().says();
        await w.inside().ends();
        await w.pass(11 * minuteMs);
      }
    },
    {
      elsewhere,
      operator: { repository: ops },
      limits: { budgets: { ...unbounded, repository: { day: usd(0.6), month: undefined } } },
    },
  ));

test("a task's own ceiling is an event of the task and no notice", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run --budget $0.40 -- make");
      await w.dispatch();
      await w.reconcile();
      expect(w.github.issues(ops)).toEqual([]);
      expect((await events(w, "budget_step")).map(({ event }) => event)).toMatchObject([
        { task: "t_00000001", message: expect.stringContaining("$0.38 of $0.40 of this task") },
      ]);
      await finish(w);
    },
    { elsewhere, operator: { repository: ops } },
  ));

test("a webhook gets it signed, is tried again later and later, and never again once it has it", async () => {
  const { posted, url } = await listener(500, 302, 204);
  await world(
    async (w) => {
      await begin(w);
      await w.reconcile();
      expect(posted).toHaveLength(1);
      await w.reconcile();
      expect(posted).toHaveLength(1);
      await w.pass(minuteMs);
      await w.reconcile();
      expect(posted).toHaveLength(2);
      await w.pass(minuteMs);
      await w.reconcile();
      expect(posted).toHaveLength(2);
      await w.pass(minuteMs);
      await w.reconcile();
      await w.pass(hourMs / 3);
      await w.reconcile();
      expect(posted).toHaveLength(3);
      const [first, , third] = posted;
      expect(third?.body).toBe(first?.body);
      expect(first?.said).toMatchObject({
        kind: "budget",
        at: "2026-11-25T08:00:00.000Z",
        text: "Budget, 80 %: $0.38 of $0.44 of dana today used or reserved",
        facts: { percent: 80, mostMicroUsd: 440_000, refused: false },
      });
      expect(first?.signature).toBe(
        `sha256=${createHmac("sha256", "s3")
          .update(first?.body ?? "")
          .digest("hex")}`,
      );
      await finish(w);
    },
    {
      operator: { webhook: { url, secret: "s3" } },
      limits: tight,
    },
  );
});

test("one channel that is away is in no other's way; an answer that is lost makes nothing twice", async () => {
  const { posted, url } = await listener(204);
  await world(
    async (w) => {
      await begin(w);
      const lose = (path: RegExp, answer: FaultAnswer) => w.github.faults.next({ method: "POST", path }, answer);
      lose(/\/repos\/ops\/alerts\/issues$/, badGateway);
      lose(/\/repos\/ops\/alerts\/issues$/, "lost-reply");
      lose(/\/repos\/ops\/alerts\/issues\/1\/comments$/, "lost-reply");
      await w.reconcile();
      expect(posted).toHaveLength(1);
      expect(w.github.issues(ops)).toEqual([]);
      for (let round = 0; round < 8; round += 1) {
        await w.pass(minuteMs);
        await w.reconcile();
      }
      expect(w.github.issues(ops)).toHaveLength(1);
      expect(noticesIn(w, 1)).toHaveLength(1);
      expect(posted).toHaveLength(1);
      await finish(w);
    },
    { elsewhere, operator: { repository: ops, webhook: { url } }, limits: tight },
  );
});

/** Whether the service died there, and lived again until all was told. */
async function diesWhileTelling(death: Moment): Promise<boolean> {
  const { posted, url } = await listener(204);
  const at = `${death.when} ${death.nth}`;
  let hasDied = false;
  await world(
    async (w) => {
      await begin(w);
      await w.restart(death);
      await w.reconcile();
      hasDied = w.life.isOver;
      await w.restart();
      await w.pass(minuteMs);
      await w.reconcile();
      expect(w.github.issues(ops), at).toHaveLength(1);
      expect(noticesIn(w, 1), at).toHaveLength(1);
      expect(posted.length, at).toBeGreaterThanOrEqual(1);
      expect(posted.length, at).toBeLessThanOrEqual(2);
      expect(await events(w, "budget_step"), at).toHaveLength(1);
      await finish(w);
    },
    { elsewhere, operator: { repository: ops, webhook: { url } }, limits: tight },
  );
  return hasDied;
}

test(
  "whenever the service dies while it tells, the issue and the comment are there once",
  { timeout: 60_000 },
  async () => {
    // Every other call before, the ones between them after: what came before one is what came after the other.
    for (const [when, first] of [
      ["before", 1],
      ["after", 2],
    ] as const) {
      let nth: number = first;
      while (await diesWhileTelling({ nth, when })) nth += 2;
      expect(nth).toBeGreaterThan(5);
    }
  },
);

test("too many time-outs, or faults of ours, in the last hour: one notice for each kind and hour, with figures and ids", () =>
  world(
    async (w) => {
      for (let task = 0; task < 3; task += 1) await run(w);
      await w.reconcile();
      expect(w.github.issues(ops)).toEqual([]);
      await run(w, { ended: "timed-out" });
      await w.reconcile();
      await w.reconcile();
      expect(w.github.issues(ops).map(({ title }) => title)).toEqual(["Parhelia: tasks out of time, 2026-11"]);
      expect(noticesIn(w, 1)).toEqual([
        "**25 %**: 1 of 4 tasks (25 %) of the last 60 minutes ran out of time. The newest: `t_00000004`.",
      ]);
      expect((await events(w, "alert_raised")).map(({ event }) => event.details)).toMatchObject([
        { tasks: 4, affected: 1, percent: 25, newest: ["t_00000004"] },
      ]);
      // A new hour of the clock has begun, over the same tasks.
      await w.pass(57 * minuteMs);
      await w.reconcile();
      expect(noticesIn(w, 1)).toHaveLength(1);
    },
    { elsewhere, operator: { repository: ops, alerts: { minTasks: 4 } } },
  ));

test("lost sandboxes are faults of ours", () =>
  world(
    async (w) => {
      await begin(w);
      await w.inside().says();
      await w.dispatch();
      w.sandboxes.lose();
      await w.reconcile();
      await w.inside().says();
      await w.dispatch();
      await w.inside().ends();
      await w.pass(30 * secondMs);
      await w.reconcile();
      expect(noticesIn(w, 1)).toEqual([
        "**100 %**: 1 of 1 task (100 %) of the last 60 minutes broke on our side or lost a sandbox. The newest: `t_00000001`.",
      ]);
    },
    { elsewhere, operator: { repository: ops, alerts: { minTasks: 1 } } },
  ));

test("a repository without the app is told when the app is there", () =>
  world(
    async (w) => {
      await begin(w);
      const installation = w.github.installationOf(ops);
      w.github.setRepositories(installation, []);
      await w.reconcile();
      expect(w.github.issues(ops)).toEqual([]);
      w.github.setRepositories(installation, "all");
      await w.pass(minuteMs);
      await w.reconcile();
      expect(noticesIn(w, 1)).toHaveLength(1);
      await finish(w);
    },
    {
      elsewhere,
      operator: { repository: ops },
      limits: tight,
    },
  ));

test("a failed listing of sandboxes keeps no notice back", () =>
  world(
    async (w) => {
      await begin(w);
      w.sandboxes.fail("list", 1);
      await expect(w.reconcile()).rejects.toThrow("list");
      expect(noticesIn(w, 1)).toHaveLength(1);
      await finish(w);
    },
    {
      elsewhere,
      operator: { repository: ops },
      limits: tight,
    },
  ));
