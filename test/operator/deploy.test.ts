/** `parhelia deploy` on a stand-in of the account: from nothing to all that tasks need, and again, with what fails told with its cure. */
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, expect, onTestFinished, test, vi } from "vitest";
import { z } from "zod";
import { readConfig } from "../../src/config.ts";
import { listen } from "../../src/gateway/listen.ts";
import { systemClock } from "../../src/main.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { deployWords } from "../../src/terminal/deploy-words.ts";
import { healthRoutes } from "../../src/web/health.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { openModel } from "../world/model.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";

const { operatorCommands } = await import("../../src/operator/operator.ts");

const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

const modal = () => {
  if (account === undefined) throw new Error("there is no account");
  return account;
};

const Said = z.object({
  ok: z.boolean(),
  steps: z.array(z.object({ name: z.string(), outcome: z.string(), found: z.string(), cure: z.string().optional() })),
});

async function openDesk(name: string) {
  const root = mkdtempSync(join(tmpdir(), "parhelia-deploy-"));
  mkdirSync(join(root, ".parhelia"));
  const model = await openModel({ script: say("Yes."), apiKey: "sk-ant-right" });
  const store = openSqliteStore({ path: ":memory:" });
  const door = new Hono().route("/", healthRoutes({ store, clock: systemClock }));
  const listening = await listen(door, { host: "127.0.0.1", port: 0 });
  onTestFinished(async () => {
    await modal().faults.clear();
    expect(await modal().living()).toEqual([]);
    await Promise.all([listening.close(), model.close(), store.close()]);
    rmSync(root, { recursive: true, force: true });
  });
  const settings = (changes: Record<string, string> = {}) =>
    readConfig(root, {
      ANTHROPIC_API_KEY: "sk-ant-right",
      MODAL_TOKEN_ID: modal().tokenId,
      MODAL_TOKEN_SECRET: modal().tokenSecret,
      PARHELIA_AGENT_API_URL: model.url,
      PARHELIA_MODAL_APP: name,
      PARHELIA_MODAL_IMAGE: `${name}:live`,
      PARHELIA_MODAL_VOLUME: name,
      PARHELIA_SANDBOX_BACKEND: "modal",
      PARHELIA_SERVER_PUBLIC_URL: `http://127.0.0.1:${listening.port}`,
      ...changes,
    });
  /** What it says as JSON, and its exit code. */
  return async (words: string, changes?: Record<string, string>) => {
    let said = "";
    const write = vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      said += String(text);
      return true;
    });
    try {
      const command = operatorCommands.get("deploy");
      const exit = await command?.([...words.split(" ").filter((each) => each !== ""), "--json"], settings(changes));
      const { ok, steps } = Said.parse(JSON.parse(said));
      expect(exit).toBe(ok ? 0 : 1);
      return { ok, steps, outcomes: steps.map((step) => `${step.name} ${step.outcome}`) };
    } finally {
      write.mockRestore();
    }
  };
}

test.skipIf(isMissing)("makes what is missing and leaves what is there", { timeout: 120_000 }, async () => {
  const deploy = await openDesk("deploy-one");
  const first = await deploy("--tag v1.0.0");
  expect(first.outcomes).toEqual(["app done", "image done", "volume done", "secrets there", "health done"]);
  const again = await deploy("--tag v1.0.0");
  expect(again.outcomes).toEqual(["app there", "image there", "volume there", "secrets there", "health done"]);
  expect((await deploy("")).outcomes).toEqual(again.outcomes);
  const next = await deploy("--tag v1.1.0");
  expect(next.steps[1]).toMatchObject({ outcome: "done", found: "v1.1.0 was built, tried and made deploy-one:live" });
  // It was built and tried before, so it is live at once.
  expect((await deploy("--tag v1.0.0")).steps[1]).toMatchObject({ found: "v1.0.0 was made deploy-one:live" });
});

test.skipIf(isMissing)(
  "goes on where it stopped, and names what is missing with the command",
  { timeout: 120_000 },
  async () => {
    const deploy = await openDesk("deploy-two");
    await modal().faults.failLayer("apt-get install", "E: Unable to locate package git");
    const stopped = await deploy("");
    expect(stopped.outcomes).toEqual(["app done", "image failed"]);
    expect(stopped.steps[1]).toMatchObject({
      found: expect.stringContaining("layer 2 of 4"),
      cure: expect.stringMatching(/\w/),
    });
    await modal().faults.clear();
    const secrets = { PARHELIA_MODAL_SECRETS: "acme/widgets:NPM_TOKEN" };
    const without = await deploy("", secrets);
    expect(without.outcomes).toEqual([
      "app there",
      "image done",
      "volume done",
      "secret NPM_TOKEN failed",
      "health done",
    ]);
    expect(without.steps[3]?.cure).toBe("modal secret create NPM_TOKEN NPM_TOKEN=…");
    await modal().secrets.make("NPM_TOKEN", { NPM_TOKEN: "npm_x" });
    expect((await deploy("", secrets)).ok).toBe(true);
    const keyless = await deploy("", { ANTHROPIC_API_KEY: "sk-ant-wrong" });
    expect(keyless.steps.at(-1)).toMatchObject({ name: "health, anthropic_key_set", outcome: "failed" });
  },
);

test.each([
  [["--tag"], "`--tag` needs the tag of an image."],
  [["--tag", "latest"], "latest is no tag of an image."],
  [["now"], "`deploy` does not take now."],
])("`deploy %s` is answered with how it is written", (words, message) => {
  expect(deployWords(words)).toMatchObject({ kind: "wrong", message: expect.stringContaining(message) });
});
