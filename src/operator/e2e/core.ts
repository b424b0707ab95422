/** What the service relies on with every task: commands, names, ends, the network, volumes and secrets. */
import { setTimeout as sleep } from "node:timers/promises";
import { after, minuteMs, secondMs } from "../../core/instant.ts";
import type { SandboxSpec } from "../../core/ports/sandboxes.ts";
import type { ModalHand } from "../../sandbox/modal/by-hand.ts";
import { expectThat, small, type Ground, type Step } from "./step.ts";

const shortMs = minuteMs / 2;

/** What it said; throws where it did not end with 0. */
async function said(sandbox: Pick<ModalHand, "run">, command: readonly string[]): Promise<string> {
  const { exitCode, stdout, stderr } = await sandbox.run(command, { timeoutMs: shortMs });
  expectThat(exitCode === 0, `\`${command[0] ?? ""}\` ended with ${exitCode}: ${stderr.slice(-500)}`);
  return stdout;
}

/** What a shell would change, each in its own way. */
const awkward = ["it's", '"quoted"', "$HOME", "`id`", "a\nb", "ünïcode", ""];

const commands: Step = {
  name: "a command's words, outputs, status and time are its own",
  level: "core",
  confirms: ["command-whole", "command-timed"],
  likely: { resources: small, seconds: 30 },
  run: ({ byHand }) =>
    byHand({}, async (sandbox) => {
      const program =
        "console.log(JSON.stringify(process.argv.slice(1))); console.error('apart'); process.exitCode = 7";
      const ran = await sandbox.run(["node", "-e", program, ...awkward], { timeoutMs: shortMs });
      const wanted = { exitCode: 7, stdout: `${JSON.stringify(awkward)}\n`, stderr: "apart\n", isCut: false };
      const found = JSON.stringify(ran);
      expectThat(found === JSON.stringify(wanted), `${found} came back, where ${JSON.stringify(wanted)} was due`);
      const late = await sandbox.run(["sleep", "30"], { timeoutMs: 2 * secondMs });
      expectThat(late.exitCode === null, `a sleep of 30 s with 2 s of time ended with ${late.exitCode}`);
      expectThat((await said(sandbox, ["echo", "on"])) === "on\n", "after it the sandbox said something else");
      return undefined;
    }),
};

const specOf = ({ nextName }: Ground, lifetimeMs: number): SandboxSpec => ({
  name: nextName(),
  command: ["sleep", "600"],
  env: {},
  resources: small,
  lifetimeMs,
});

/** Until it is so, or for so long; answers the milliseconds that it took. */
async function within(ground: Ground, ms: number, isSo: () => Promise<boolean>): Promise<number | undefined> {
  const { clock, signal } = ground;
  const from = clock.now();
  for (const until = after(from, ms); ;) {
    if (await isSo()) return clock.now() - from;
    if (clock.now() >= until) return undefined;
    await sleep(secondMs / 2, undefined, { signal });
  }
}

const names: Step = {
  name: "a sandbox is created, adopted, listed and ended by its name",
  level: "core",
  confirms: ["name-adopted", "listed", "ended"],
  likely: { resources: small, seconds: 30 },
  async run(ground) {
    const { sandboxes, metered } = ground;
    const spec = specOf(ground, 5 * minuteMs);
    const isListed = async (): Promise<boolean> => (await sandboxes.list()).some(({ name }) => name === spec.name);
    return metered(spec.resources, async () => {
      try {
        const [first, second] = await Promise.all([sandboxes.create(spec), sandboxes.create(spec)]);
        const third = await sandboxes.create(spec);
        for (const each of [first, second, third]) expectThat(each !== "waiting", "a small sandbox found no machine");
        const lagMs = await within(ground, minuteMs, isListed);
        expectThat(lagMs !== undefined, "it was not listed within a minute");
        const named = (await sandboxes.list()).filter(({ name }) => name === spec.name);
        expectThat(named.length === 1, `${named.length} sandboxes of its name live`);
        await sandboxes.end(spec.name);
        expectThat(!(await isListed()), "it is listed after its end");
        expectThat((await sandboxes.find(spec.name)) === undefined, "it is found by its name after its end");
        return `listed after ${lagMs} ms`;
      } finally {
        await sandboxes.end(spec.name);
      }
    });
  },
};

const shortLifeMs = 10 * secondMs;

const lifetime: Step = {
  name: "Modal ends a sandbox at its lifetime",
  level: "core",
  confirms: ["lifetime-held"],
  likely: { resources: small, seconds: 20 },
  async run(ground) {
    const { sandboxes, metered } = ground;
    const spec = specOf(ground, shortLifeMs);
    return metered(spec.resources, async () => {
      await sandboxes.create(spec);
      const isOver = async (): Promise<boolean> => !(await sandboxes.list()).some(({ name }) => name === spec.name);
      // Not at once: a listing may be late.
      await sleep(shortLifeMs / 2, undefined, { signal: ground.signal });
      const tookMs = await within(ground, 2 * minuteMs, isOver);
      expectThat(tookMs !== undefined, `two minutes later one with ${shortLifeMs / secondMs} s to live still lives`);
      return `gone after ${((shortLifeMs / 2 + (tookMs ?? 0)) / secondMs).toFixed(1)} s of ${shortLifeMs / secondMs}`;
    });
  },
};

const fetchOnce = `fetch(process.argv[1], { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(10000) })
  .then(({ status }) => console.log("answered " + status), ({ cause }) => console.log("no answer: " + (cause?.code ?? cause)))
  .finally(() => process.exit());`;

const reached = (sandbox: ModalHand, place: string) => said(sandbox, ["node", "-e", fetchOnce, place]);
const answers = (word: string): boolean => word.startsWith("answered");

const open: Step = {
  name: "an open network reaches any host",
  level: "core",
  confirms: ["network-open"],
  likely: { resources: small, seconds: 20 },
  run: ({ byHand, places }) =>
    byHand({ network: { network: "open", hosts: [] } }, async (sandbox) => {
      for (const place of [places.listed, places.other]) {
        const word = await reached(sandbox, place);
        expectThat(answers(word), `${place} gave ${word}`);
      }
      return undefined;
    }),
};

const list: Step = {
  name: "a network of a list reaches the hosts on it alone",
  level: "core",
  confirms: ["network-list"],
  likely: { resources: small, seconds: 30 },
  run: ({ byHand, places }) =>
    byHand({ network: { network: "list", hosts: [new URL(places.listed).hostname] } }, async (sandbox) => {
      const [on, off] = [await reached(sandbox, places.listed), await reached(sandbox, places.other)];
      expectThat(answers(on), `${places.listed} is on the list, and gave ${on}`);
      expectThat(!answers(off), `${places.other} is not on the list, and gave ${off}`);
      return off.trim();
    }),
};

const volume: Step = {
  name: "a volume keeps what is written, apart for each and read-only where it is to be",
  level: "core",
  confirms: ["volume-kept", "volume-apart", "volume-read-only"],
  likely: { resources: small, seconds: 40 },
  async run({ byHand, hands }) {
    const made = await hands.passingVolume();
    try {
      const own = { volume: made, folder: "first", access: "write" } as const;
      await byHand({ volumes: { "/data": own } }, (sandbox) => said(sandbox, ["sh", "-c", "echo kept > /data/file"]));
      const volumes = { "/before": { ...own, access: "read" }, "/data": { ...own, folder: "second" } } as const;
      await byHand({ volumes }, async (sandbox) => {
        const read = await said(sandbox, ["cat", "/before/file"]);
        expectThat(read === "kept\n", `the next sandbox read ${JSON.stringify(read)}`);
        const others = await said(sandbox, ["ls", "-A", "/data"]);
        expectThat(others === "", `another's folder shows ${JSON.stringify(others)}`);
        const { exitCode } = await sandbox.run(["touch", "/before/more"], { timeoutMs: shortMs });
        expectThat(exitCode !== 0, "what is mounted for reading was written to");
      });
    } finally {
      made.closeEphemeral();
    }
    return undefined;
  },
};

const secrets: Step = {
  name: "a secret reaches commands, and a missing one is named",
  level: "core",
  confirms: ["secret-reaches", "secret-missing"],
  likely: { resources: small, seconds: 15 },
  async run({ byHand, hands, run }) {
    await byHand({ secret: { PARHELIA_E2E: run } }, async (sandbox) => {
      const read = await said(sandbox, ["printenv", "PARHELIA_E2E"]);
      expectThat(read === `${run}\n`, "a command has another value of it");
    });
    const missing = `parhelia-e2e-${run}`;
    expectThat(!(await hands.hasSecret(missing)), `the account has a secret ${missing}, which nobody made`);
    return undefined;
  },
};

const health: Step = {
  name: "the look at what tasks need sees what is there, and what is not",
  level: "core",
  confirms: ["health-seen"],
  likely: { resources: { cpu: 1, memoryMiB: 1024 }, seconds: 30 },
  async run({ look }) {
    const seen = await look();
    for (const what of [
      "modal_connected",
      "app_deployed",
      "image_found",
      "sandbox_started",
      "claude_installed",
    ] as const)
      expectThat(seen[what]?.outcome === "ok", `${what}: ${JSON.stringify(seen[what])}`);
    expectThat(seen.volume_mounted?.outcome === "failed", `volume_mounted: ${JSON.stringify(seen.volume_mounted)}`);
    return undefined;
  },
};

export const core: readonly Step[] = [commands, names, lifetime, open, list, volume, secrets, health];
