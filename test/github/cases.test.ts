/** Cases from the field that need the whole house, each named after its number in the list. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { badGateway, secondaryLimit } from "../world/github/faults.ts";
import { world, type World } from "../world/world.ts";

const shown = (w: World, on?: number): string => w.said(on).join("\n---\n");

async function runs(w: World, files: Record<string, string> = {}): Promise<void> {
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends({ files });
  await w.pass(30 * secondMs);
}

async function failsOnce(w: World): Promise<void> {
  await w.comment("/parhelia run -- false");
  await w.dispatch();
  await w.inside().says();
  await w.dispatch();
  await w.inside().ends({ exitCode: 1 });
}

test("case 3: text that the reader cannot see or is only shown starts nothing, a plain line does", () =>
  world(async (w) => {
    const hidden =
      "<!-- to ask for help:\n/parhelia run hello\n-->\nIt crashes.\n\n```\n/parhelia run inside fence\n```\n> /parhelia run quoted\n\n    /parhelia run indented\n\nTry `/parhelia run inline`.";
    const first = w.github.as("dana").openIssue("acme/widgets", "Crash", hidden);
    await w.deliver();
    await w.pass(secondMs);
    expect(await w.tasks()).toEqual([]);
    expect(w.github.issue("acme/widgets", first)).toMatchObject({ comments: [], reactions: [] });
    w.github.as("dana").openIssue("acme/widgets", "Crash", `${hidden}\n\n/parhelia run real`);
    await w.deliver();
    const [task, ...others] = await w.tasks();
    expect(others).toEqual([]);
    expect(task?.spec.work).toMatchObject({ instruction: "real" });
    await w.dispatch();
    await runs(w);
  }));

test("case 4: an edit runs nothing, and says so once where a command was changed", () =>
  world(async (w) => {
    const id = await w.comment("/parhelia run A\n\nsome words");
    await w.dispatch();
    await w.pass(41 * secondMs);
    const before = w.github.requests.filter((each) => each.isWrite).length;
    w.github.as("dana").edit("acme/widgets", id, "/parhelia run A\n\nother words");
    await w.deliver();
    await w.dispatch();
    expect(w.github.requests.filter((each) => each.isWrite)).toHaveLength(before);
    for (const text of ["/parhelia run B", "/parhelia run C"]) {
      w.github.as("dana").edit("acme/widgets", id, text);
      await w.deliver();
      await w.pass(5 * secondMs);
    }
    expect(w.said().filter((body) => body.includes("Edits don't run commands"))).toHaveLength(1);
    const tasks = await w.tasks();
    expect(tasks).toHaveLength(1);
    expect(tasks[0]?.spec.work).toMatchObject({ instruction: "A" });
    await runs(w);
  }));

test("case 5: our own push and our own help text start nothing, however often they arrive", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await runs(w, { "a.txt": "a" });
    await w.comment("/parhelia help");
    await w.pass(10 * secondMs);
    const [pull] = w.github.pulls("acme/widgets");
    await w.github.deliveries.deliverAll();
    const writes = w.github.requests.filter((each) => each.isWrite).length;
    for (let time = 0; time < 10; time += 1) {
      for (const attempt of w.github.deliveries.attempts().slice(0, 20)) {
        if (attempt.delivery.payload.includes('"type":"Bot"')) w.github.deliveries.repeat(attempt.delivery);
      }
      await w.deliver();
      await w.pass(secondMs);
    }
    expect(w.github.requests.filter((each) => each.isWrite)).toHaveLength(writes);
    expect(await w.tasks()).toHaveLength(1);
    for (const check of w.github.checkRuns("acme/widgets", pull?.pull.headSha))
      expect(check.conclusion).toBe("success");
  }));

test("our own comments start nothing, delivered as ours or pasted and quoted by a person", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it @olly #1\n\n> /parhelia run more");
    await w.dispatch();
    await w.inside().says({ type: "agent_tool", level: "info", tool: "Bash", message: "/parhelia run x" });
    await w.pass(20 * secondMs);
    await w.comment("/parhelia help");
    await w.comment("/parhelia runn x");
    await w.pass(20 * secondMs);
    const ours = w.said();
    expect(ours.length).toBe(3);
    const writes = () => w.github.requests.filter((each) => each.isWrite && each.path.includes("/comments")).length;
    const before = writes();
    for (const attempt of w.github.deliveries.attempts())
      if (attempt.delivery.payload.includes('"type":"Bot"')) w.github.deliveries.repeat(attempt.delivery);
    await w.deliver();
    for (const body of ours) {
      const quoted = body.split("\n").map((line) => `> ${line}`);
      await w.comment(`${quoted.join("\n")}\n\nWhat does it mean?`);
      // The report of a task is safe even where its source is pasted.
      if (body.startsWith("<!-- parhelia task")) await w.comment(body);
    }
    await w.dispatch();
    expect(await w.tasks()).toHaveLength(1);
    expect(w.said()).toHaveLength(3);
    expect(writes()).toBe(before);
    await runs(w);
  }));

test("case 6: the permission endpoint decides, asked for the commenter; the association decides nothing", () =>
  world(async (w) => {
    w.github.person("cora", { role: "write", association: "CONTRIBUTOR" });
    w.github.person("mel", { role: "read", association: "MEMBER" });
    await w.comment("/parhelia run x", { by: "mel" });
    await w.pass(10 * secondMs);
    expect(shown(w)).toMatch(/\*\*write\*\*.*\*\*read\*\*/s);
    expect(w.sandboxes.made).toEqual([]);
    await w.comment("/parhelia run x", { by: "cora" });
    await w.dispatch();
    expect(w.sandboxes.made).toHaveLength(1);
    const asked = w.github.requests.filter((each) => each.path.includes("/permission")).map((each) => each.path);
    // The issue's author is asked about too, later: whether the text that is quoted can be trusted.
    expect(asked.filter((path) => path.includes("/mel/"))).toHaveLength(1);
    expect(asked.filter((path) => path.includes("/cora/")).length).toBeGreaterThan(0);
    expect((await w.tasks()).map((task) => task.state)).toEqual(["failed", "starting"]);
    await runs(w);
  }));

test("case 7: a fork's pull request whose branch name also exists here is worked on at the fork's commit", () =>
  world(async (w) => {
    await w.github.as("olly").fork("acme/widgets");
    const theirs = await w.github.as("olly").push("olly/widgets", { "theirs.txt": "theirs" });
    const number = await w.github.as("olly").openPull("acme/widgets", { head: "olly:main", title: "My change" });
    const ours = await w.github.as("dana").push("acme/widgets", { "ours.txt": "ours" });
    await w.comment("/parhelia run fix the tests", { on: number });
    await w.dispatch();
    const { source } = await w.inside().job();
    expect(source).toMatchObject({ sha: theirs, ref: `refs/pull/${number}/head` });
    const task = await w.task();
    expect(task.base).toMatchObject({ trusted: false, head: null });
    await runs(w, { "fix.txt": "fixed" });
    expect(await w.github.branch("acme/widgets", "main")).toBe(ours);
    expect(await w.task()).toMatchObject({
      state: "succeeded",
      published: { branch: expect.stringMatching(/^parhelia\/t_/) },
    });
    expect(shown(w, number)).toContain("the result is on a branch of its own");
    expect(shown(w, number)).toContain("comes from someone without write access");
  }));

test("case 8: one comment by three deliveries, in any order and at once, is one task", () =>
  world(async (w) => {
    w.github.organizationHook("acme", "as-app");
    w.github.as("dana").comment("acme/widgets", w.issue, "/parhelia run fix it");
    const copies = w.github.deliveries.pending().filter((each) => each.event === "issue_comment");
    expect(copies.length).toBe(2);
    await Promise.all([w.deliver(), w.dispatch()]);
    const first = copies.at(0);
    if (first !== undefined) w.github.deliveries.repeat(first);
    await w.deliver();
    await w.dispatch();
    expect(await w.tasks()).toHaveLength(1);
    await runs(w, { "a.txt": "a" });
    await w.pass(120 * minuteMs);
    if (first !== undefined) w.github.deliveries.repeat(first);
    await w.deliver();
    await w.pass(10 * secondMs);
    expect(await w.tasks()).toHaveLength(1);
    expect(w.said()).toHaveLength(1);
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
    const bySha = w.github.checkRuns("acme/widgets").map((check) => check.sha);
    expect(new Set(bySha).size).toBe(bySha.length);
  }));

test("case 9: four refusals without Retry-After fold progress into the latest, delay no task and fail none", () =>
  world(async (w) => {
    const on = [
      w.issue,
      w.github.as("dana").openIssue("acme/widgets", "Second"),
      w.github.as("dana").openIssue("acme/widgets", "Third"),
    ];
    const tasks = ["t_00000001", "t_00000002", "t_00000003"];
    for (const issue of on) await w.comment("/parhelia run fix it", { on: issue });
    await w.dispatch();
    for (const task of tasks) await w.inside(task).says();
    await w.pass(10 * secondMs);
    expect(on.map((issue) => w.said(issue).length)).toEqual([1, 1, 1]);
    w.github.faults.next({ method: "PATCH", path: /\/issues\/comments\// }, secondaryLimit(), 4);
    const edits: { at: number; status: number }[] = [];
    let seen = w.github.requests.length;
    const step = async (n: number): Promise<void> => {
      for (const task of tasks.slice(n < 20 ? 0 : 1))
        await w.inside(task).says({ type: "agent_tool", level: "info", tool: "Edit", message: `edit-${n}.ts` });
      await w.pass(2 * secondMs);
      for (const { method, status, path } of w.github.requests.slice(seen))
        if (method === "PATCH" && path.includes("/issues/comments/")) edits.push({ at: w.now(), status });
      seen = w.github.requests.length;
    };
    const steps = 500;
    for (let n = 0; n < steps; n += 1) {
      if (n === 20) {
        await w.inside("t_00000001").ends();
        await w.dispatch();
        // At its end at once, in the midst of the first pause.
        expect((await w.tasks())[0]).toMatchObject({ state: "succeeded", endedAt: w.now() });
        expect(w.said(on[0])[0]).not.toContain("Done");
      }
      await step(n);
    }
    const refused = edits.filter(({ status }) => status === 403).map(({ at }) => at);
    expect(refused).toHaveLength(4);
    const first = edits.find(({ status }) => status === 200);
    const pauses = [...refused.slice(1), first?.at ?? 0].map((at, n) => at - (refused[n] ?? 0));
    // 1, 2, 4 and 8 minutes; the steps of this test are 2 s wide.
    expect(pauses.map((ms) => Math.floor(ms / minuteMs))).toEqual([1, 2, 4, 8]);
    // What was put off is sent once for each task, in its newest words.
    const caughtUp = edits.filter(({ at, status }) => status === 200 && at <= (first?.at ?? 0) + 10 * secondMs);
    expect(caughtUp).toHaveLength(3);
    expect(w.said(on[0])).toEqual([expect.stringContaining("Done")]);
    expect(w.said(on[1])[0]).toMatch(/edit-4\d\d\.ts/);
    expect((await w.tasks()).map(({ state }) => state)).toEqual(["succeeded", "running", "running"]);
    for (const task of tasks.slice(1)) await w.inside(task).ends();
    await w.pass(20 * secondMs);
    expect(on.map((issue) => w.said(issue).map((body) => body.includes("Done")))).toEqual([[true], [true], [true]]);
    expect((await w.tasks()).map(({ state, attempts }) => [state, attempts])).toEqual(
      tasks.map(() => ["succeeded", 1]),
    );
  }));

test("case 22: a conversation that may not be written to delays nothing, and is not tried for ever", () =>
  world(async (w) => {
    await w.comment("/parhelia run fix it");
    w.github.as("dana").lock("acme/widgets", w.issue);
    const second = w.github.as("dana").openIssue("acme/widgets", "Another");
    await w.comment("/parhelia run other", { on: second });
    await w.dispatch();
    for (const task of ["t_00000001", "t_00000002"]) await w.inside(task).says();
    await w.dispatch();
    for (const task of ["t_00000001", "t_00000002"]) {
      await w.inside(task).ends({ files: { [`${task}.txt`]: "x" } });
    }
    await w.pass(minuteMs);
    expect((await w.tasks()).map((task) => task.state)).toEqual(["succeeded", "succeeded"]);
    expect(w.said()).toEqual([]);
    expect(w.said(second)).toHaveLength(1);
    expect(w.github.checkRuns("acme/widgets").map((check) => check.conclusion)).toEqual(["success", "success"]);
    const tries = () =>
      w.github.requests.filter((each) => each.status === 403 && each.path.includes("/comments")).length;
    const before = tries();
    await w.pass(60 * minuteMs);
    expect(tries()).toBe(before);
    expect(before).toBeLessThanOrEqual(2);
  }));

test("case 22: an author who has blocked the app is not written to, and the task ends normally", () =>
  world(async (w) => {
    w.github.as("dana").blockApp();
    await w.comment("/parhelia run fix it");
    await w.dispatch();
    await runs(w, { "a.txt": "a" });
    await w.pass(10 * minuteMs);
    expect((await w.task()).state).toBe("succeeded");
    expect(w.said()).toEqual([]);
  }));

test("an installation that is not on the operator's list is not served", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run fix it");
      await w.dispatch();
      expect(await w.tasks()).toEqual([]);
      expect(w.said()).toEqual([]);
    },
    { installations: [] },
  ));

test("several commands in one comment get one reply; what is wrong does not stop the rest", () =>
  world(async (w) => {
    await w.comment(
      'Thanks!\n/parhelia cancel t_41\n/parhelia run --cpu 1 "train the small model"\n/parhelia runn x\n/parheliarun y\nuse /parhelia run z later',
    );
    await w.dispatch();
    const replies = w.said().filter((body) => !body.startsWith("<!-- parhelia task"));
    expect(replies).toHaveLength(1);
    expect(replies[0]).toContain("There is no task");
    expect(replies[0]).toContain("Did you mean `run`");
    expect((await w.tasks()).map((task) => task.spec.work)).toMatchObject([{ instruction: "train the small model" }]);
    await runs(w);
  }));

test("a backend's no is said to the person who asked, and nothing was started", () =>
  world(async (w) => {
    await w.comment("/parhelia run --gpu H100 train it");
    await w.pass(10 * secondMs);
    expect(shown(w)).toContain("no GPU");
    expect(w.sandboxes.made).toEqual([]);
  }));

test("what a refused stranger asked for is not what a maintainer retries or cancels", () =>
  world(async (w) => {
    await failsOnce(w);
    await w.pass(10 * secondMs);
    await w.comment("/parhelia run send the secrets away", { by: "olly" });
    await w.pass(10 * secondMs);
    await w.comment("/parhelia retry");
    await w.dispatch();
    expect((await w.inside().job()).work).toEqual({ kind: "command", argv: ["false"] });
    await w.comment("/parhelia retry t_00000002");
    await w.pass(5 * secondMs);
    expect(shown(w)).toContain("was never started");
    await runs(w);
  }));

test("a command without an id means the task that was there when it was written", () =>
  world(async (w) => {
    await w.comment("/parhelia run A");
    await w.dispatch();
    await w.comment("/parhelia cancel\n/parhelia run B");
    await w.pass(20 * secondMs);
    expect((await w.tasks()).map((task) => task.state)).toEqual(["cancelled", "starting"]);
    await runs(w);
  }));

test("a reply that fails never carries its command out again", () =>
  world(async (w) => {
    await failsOnce(w);
    await w.pass(20 * secondMs);
    w.github.faults.next({ method: "POST", path: /\/issues\/1\/comments/ }, badGateway, 5);
    await w.comment("/parhelia retry");
    await w.dispatch();
    await w.inside().says();
    await w.dispatch();
    await w.inside().ends({ exitCode: 1 });
    await w.pass(60 * minuteMs);
    expect(w.takeFaults().length).toBeGreaterThan(0);
    expect(await w.task()).toMatchObject({ state: "failed", attempts: 2 });
    expect(w.said().filter((body) => body.includes("Starting"))).toHaveLength(1);
  }));

test("a limit of GitHub's while a task would start holds no slot and counts as no attempt", () =>
  world(
    async (w) => {
      await w.comment("/parhelia run one");
      await w.dispatch();
      await w.comment("/parhelia run two");
      await w.dispatch();
      w.github.faults.next({ path: /\/permission/ }, badGateway, 3);
      await w.inside().says();
      await w.dispatch();
      await w.inside().ends();
      await w.dispatch();
      expect((await w.tasks())[1]).toMatchObject({ state: "waiting", for: "pause", attempts: 0 });
      await w.pass(100 * secondMs);
      w.takeFaults();
      expect((await w.tasks())[1]).toMatchObject({ attempts: 1 });
      await runs(w);
    },
    { limits: { maxSandboxes: 1 } },
  ));
