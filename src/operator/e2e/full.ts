/** What costs more than cents: GPUs. */
import { setTimeout as sleep } from "node:timers/promises";
import { after, minuteMs, secondMs } from "../../core/instant.ts";
import type { Sandbox } from "../../core/ports/sandboxes.ts";
import type { ModalHand } from "../../sandbox/modal/by-hand.ts";
import { expectThat, small, type Ground, type Step } from "./step.ts";

/** The cheapest two; the first that is free will do. */
const wanted = ["T4", "L4"] as const;
const patienceMs = 4 * minuteMs;

async function asked(ground: Ground, gpu: string, name: Sandbox["name"]): Promise<Sandbox | undefined> {
  const { sandboxes, clock, signal } = ground;
  const spec = { name, command: ["sleep", "300"], env: {}, resources: { ...small, gpu }, lifetimeMs: 5 * minuteMs };
  for (
    const until = after(clock.now(), patienceMs);
    clock.now() < until;
    await sleep(secondMs, undefined, { signal })
  ) {
    const created = await sandboxes.create(spec);
    if (typeof created !== "string") return created;
  }
  await sandboxes.end(name);
  return undefined;
}

async function cardOf(sandbox: Pick<ModalHand, "run">): Promise<string> {
  const query = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"];
  const { exitCode, stdout, stderr } = await sandbox.run(query, { timeoutMs: minuteMs });
  expectThat(exitCode === 0, `nvidia-smi ended with ${exitCode}: ${stderr.slice(-500)}`);
  return stdout.trim();
}

const card: Step = {
  name: "the first free GPU of a list is given, and is the one that was asked for",
  level: "full",
  confirms: ["gpu-card"],
  likely: { resources: { ...small, gpu: "L4" }, seconds: 90 },
  async run(ground) {
    const { sandboxes, hands, metered, nextName } = ground;
    for (const gpu of wanted) {
      const name = nextName();
      const resources = { ...small, gpu };
      try {
        const given = await asked(ground, gpu, name);
        if (given === undefined) continue;
        const read = await metered(resources, async () => cardOf(await hands.join(name)), given.startedAt);
        expectThat(read.includes(gpu), `a ${gpu} was asked for, and nvidia-smi says ${read}`);
        return `${gpu}: ${read}`;
      } finally {
        await sandboxes.end(name);
      }
    }
    throw new Error(`none of the GPUs ${wanted.join(", ")} was free in ${patienceMs / minuteMs} minutes each`);
  },
};

const letGo: Step = {
  name: "a creation that waits for a GPU can be ended",
  level: "full",
  confirms: ["gpu-let-go"],
  likely: { resources: { ...small, gpu: "H100" }, seconds: 5 },
  async run(ground) {
    const { sandboxes, metered, nextName } = ground;
    const resources = { ...small, gpu: "H100" };
    const name = nextName();
    const spec = { name, command: ["sleep", "60"], env: {}, resources, lifetimeMs: minuteMs };
    return metered(resources, async () => {
      const created = await sandboxes.create(spec);
      await sandboxes.end(name);
      const left = (await sandboxes.list()).filter((each) => each.name === name);
      expectThat(left.length === 0, "it is listed after its end");
      return created === "waiting" ? "it waited" : "a machine was free at once, and it was ended there";
    });
  },
};

export const full: readonly Step[] = [card, letGo];
