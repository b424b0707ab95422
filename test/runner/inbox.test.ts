import { expect, test } from "vitest";
import type { Answer, Reach } from "../../src/runner/gateway.ts";
import { watchInbox } from "../../src/runner/inbox.ts";

/** An inbox that answers with these in turn and then says that the attempt is over; each answer takes no time. */
async function watch(answers: Answer[]) {
  const asked: string[] = [];
  const pausesMs: number[] = [];
  let cancels = 0;
  const reach: Reach = {
    over: new AbortController(),
    timing: { now: () => 0, sleep: async (ms) => void pausesMs.push(ms) },
    gateway: {
      open: () => {
        throw new Error("not for the bridge");
      },
      call: async (_method, path) => {
        asked.push(path);
        return answers.shift() ?? { status: 410, text: "" };
      },
    },
  };
  await watchInbox(reach, () => (cancels += 1));
  return { asked, pausesMs, cancels, isOver: reach.over.signal.aborted };
}

const inbox = (...messages: object[]): Answer => ({ status: 200, text: JSON.stringify({ messages }) });

test("a message is heard once, and asked past; kinds from a later time are skipped", async () => {
  const { asked, cancels, isOver } = await watch([
    inbox({ n: 1, kind: "from-the-future" }, { n: 2, kind: "cancel", because: "dana" }),
    inbox({ n: 2, kind: "cancel", because: "again" }, { n: 3, kind: "cancel", because: "olly" }),
  ]);
  expect(cancels).toBe(2);
  expect(asked.map((path) => path.split("=")[1])).toEqual(["0", "2", "3"]);
  expect(isOver).toBe(true);
});

test("a service that is away, or does not hold back its answer, is not asked in a tight loop", async () => {
  const { pausesMs } = await watch([
    { status: 0, text: "" },
    { status: 503, text: "" },
    inbox(),
    { status: 200, text: "no JSON" },
    { status: 404, text: "" },
  ]);
  expect(pausesMs).toEqual([200, 400, 1000, 1000, 200]);
});
