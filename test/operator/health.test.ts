/** What `parhelia health` finds on Modal: each thing false once, and true again after what it tells to do. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Hono } from "hono";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { readConfig, type Config } from "../../src/config.ts";
import { healthJson } from "../../src/core/health.ts";
import { listen } from "../../src/gateway/listen.ts";
import { systemClock } from "../../src/main.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { healthShown } from "../../src/terminal/health.ts";
import { healthRoutes } from "../../src/web/health.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import { openModel } from "../world/model.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";

const { lookAtHealth } = await import("../../src/operator/health.ts");
const { operatorCommands } = await import("../../src/operator/operator.ts");
const { ModalClient } = await import("modal");

const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

const modal = () => {
  if (account === undefined) throw new Error("there is no account");
  return account;
};

const apiKey = "sk-ant-right";
let apps = 0;

/** What a service answers to everybody. */
async function openDoor(): Promise<number> {
  const store = openSqliteStore({ path: ":memory:" });
  const listening = await listen(new Hono().route("/", healthRoutes({ store, clock: systemClock })), {
    host: "127.0.0.1",
    port: 0,
  });
  onTestFinished(async () => {
    await listening.close();
    await store.close();
  });
  return listening.port ?? 0;
}

/** Where nobody listens. */
async function closedPort(): Promise<number> {
  const listening = await listen(new Hono(), { host: "127.0.0.1", port: 0 });
  await listening.close();
  return listening.port ?? 0;
}

interface Desk {
  readonly settings: (changes?: Record<string, string>) => Config;
  readonly look: (changes?: Record<string, string>) => Promise<ReturnType<typeof healthJson>>;
  /** An operator's command, as at a terminal. */
  readonly does: (line: string, changes?: Record<string, string>) => Promise<void>;
  readonly client: InstanceType<typeof ModalClient>;
  readonly app: string;
}

/** With all that health asks for, under names of its own, but for what is left out. */
async function openDesk(without: readonly ("app" | "image" | "claude" | "volume" | "service")[] = []): Promise<Desk> {
  const root = mkdtempSync(join(tmpdir(), "parhelia-health-test-"));
  mkdirSync(join(root, ".parhelia"));
  const model = await openModel({ script: say("Yes."), apiKey });
  const port = without.includes("service") ? await closedPort() : await openDoor();
  const app = `health-${(apps += 1)}`;
  const client = new ModalClient({ logLevel: "error" });
  onTestFinished(async () => {
    await modal().faults.clear();
    await modal().change({ containers: 100 });
    expect(await modal().living()).toEqual([]);
    client.close();
    await model.close();
    rmSync(root, { recursive: true, force: true });
  });
  const builder = await client.apps.fromName(without.includes("app") ? "images" : app, { createIfMissing: true });
  if (!without.includes("image")) {
    const layers = [
      "RUN useradd --uid 1500 agent && mkdir -p /workspace /vol/parhelia",
      ...(without.includes("claude") ? [] : ["RUN npm install -g @anthropic-ai/claude-code@2.1.330"]),
    ];
    const built = await client.images.fromRegistry("node:24-bookworm").dockerfileCommands(layers).build(builder);
    await built.publish(`${app}:live`);
  }
  if (!without.includes("volume")) await client.volumes.fromName(app, { createIfMissing: true });
  const settings = (changes: Record<string, string> = {}) =>
    readConfig(root, {
      ANTHROPIC_API_KEY: apiKey,
      MODAL_TOKEN_ID: modal().tokenId,
      MODAL_TOKEN_SECRET: modal().tokenSecret,
      PARHELIA_AGENT_API_URL: model.url,
      PARHELIA_MODAL_APP: app,
      PARHELIA_MODAL_IMAGE: `${app}:live`,
      PARHELIA_MODAL_VOLUME: app,
      PARHELIA_SANDBOX_BACKEND: "modal",
      PARHELIA_SERVER_PUBLIC_URL: `http://127.0.0.1:${port}`,
      ...changes,
    });
  return {
    settings,
    client,
    app,
    look: async (changes) => healthJson(await lookAtHealth(settings(changes))),
    async does(line, changes) {
      const [name = "", ...words] = line.split(" ");
      expect(await operatorCommands.get(name)?.(words, settings(changes)), line).toBe(0);
    },
  };
}

const all = {
  status: "ok",
  backend: "modal",
  modal_connected: true,
  app_deployed: true,
  image_found: true,
  sandbox_started: true,
  volume_mounted: true,
  claude_installed: true,
  gateway_reachable: true,
  anthropic_key_set: true,
};

/** The one thing that is wrong, by its field. */
function problem({ problems }: ReturnType<typeof healthJson>) {
  expect(problems.length, JSON.stringify(problems)).toBe(1);
  const [{ field, found, cure } = { field: "", found: "", cure: "" }] = problems;
  return { field, found, cure };
}

describe.skipIf(isMissing)("health of Modal", { timeout: 60_000 }, () => {
  test("is ok where everything is there, tells what it cost, and leaves nothing behind", async () => {
    const { look, settings, app } = await openDesk();
    const seen = await look();
    expect(seen).toMatchObject({
      ...all,
      claude_version: "2.1.330",
      claude_path: "/usr/local/bin/claude",
      claude_error: null,
      image: `${app}:live`,
      image_id: expect.stringMatching(/^im-/),
      model: "claude-haiku-5-5",
      cost_usd: expect.any(Number),
      problems: [],
    });
    expect(seen.cost_usd).toBeGreaterThan(0);
    expect(seen.cost_usd).toBeLessThan(0.01);
    const own = await look({ PARHELIA_PRICES_PER_SECOND: "cpu=0.9" });
    expect(own.cost_usd).toBeGreaterThan(0.1);
    const volume = (await modal().volumes()).find(({ name }) => name === app);
    expect(readdirSync(volume?.directory ?? "")).toEqual([]);
    const shown = healthShown(await lookAtHealth(settings()), "words");
    expect(shown).toContain("ok       claude_installed   Claude Code 2.1.330 at /usr/local/bin/claude");
    expect(shown).toMatch(/^status: ok\. Looked at health-\d+:live \(im-\w+\) on Modal, for under \$0\.0001\.$/m);
    expect(shown).not.toContain(apiKey);
  });

  test("sandboxes of it bear a tag by which no service takes them for forgotten ones, and end by themselves", async () => {
    const { look } = await openDesk();
    await modal().faults.slow("SandboxTerminateV2", 300);
    const looking = look();
    const living = await eventually(async () => (await modal().living())[0], { withinMs: 20_000 });
    expect(living.tags).toEqual({ parhelia: "health" });
    await looking;
  });

  test("modal_connected: a rejected token, and a new one", async () => {
    const { look } = await openDesk();
    await modal().tokens.make("ak-old", "as-old");
    const old = { MODAL_TOKEN_ID: "ak-old", MODAL_TOKEN_SECRET: "as-old" };
    expect(await look(old)).toMatchObject(all);
    await modal().tokens.revoke("ak-old");
    const seen = await look(old);
    expect(seen).toMatchObject({
      status: "failed",
      modal_connected: false,
      volume_mounted: false,
      claude_installed: false,
    });
    expect(problem(seen)).toEqual({
      field: "modal_connected",
      found: "Modal rejects the token.",
      cure: "Make a new one (modal token new, or https://modal.com/settings) and set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET.",
    });
    await modal().tokens.make("ak-new", "as-new");
    expect(await look({ MODAL_TOKEN_ID: "ak-new", MODAL_TOKEN_SECRET: "as-new" })).toMatchObject(all);
  });

  test("modal_connected: Modal away, and there again", async () => {
    const { look } = await openDesk();
    await modal().faults.unavailable("AppGetOrCreate", 100);
    const seen = await look();
    expect(seen).toMatchObject({ status: "failed", modal_connected: false, app_deployed: false });
    expect(problem(seen)).toMatchObject({ found: expect.stringMatching(/^Modal gives no answer: /) });
    await modal().faults.clear();
    expect(await look()).toMatchObject(all);
  });

  test("what the settings lack is a failure like every other", async () => {
    const { look } = await openDesk();
    const seen = await look({ MODAL_TOKEN_SECRET: "" });
    expect(seen).toMatchObject({ status: "failed", modal_connected: false, anthropic_key_set: true });
    expect(problem(seen).found).toContain("MODAL_TOKEN_SECRET: the token's secret");
    expect(await look()).toMatchObject(all);
  });

  test("app_deployed: no app, until it is made", async () => {
    const { look, does, app } = await openDesk(["app"]);
    const seen = await look();
    expect(seen).toMatchObject({ status: "failed", app_deployed: false, image_found: true, sandbox_started: false });
    expect(problem(seen)).toMatchObject({ field: "app_deployed", found: `Modal has no app ${app}.` });
    expect(seen.problems[0]?.cure).toContain("parhelia image build");
    await does("image build --tag v1.0.0");
    expect(await look()).toMatchObject(all);
  });

  test("image_found: no image, until one is built and live", async () => {
    const { look, does, app } = await openDesk(["image"]);
    const seen = await look();
    expect(seen).toMatchObject({ status: "failed", app_deployed: true, image_found: false, claude_installed: false });
    expect(problem(seen)).toEqual({
      field: "image_found",
      found: `Modal has no image ${app}:live.`,
      cure: "Build one and make it live (parhelia image build, parhelia image promote TAG), or name another one (modal.image).",
    });
    await does("image build --tag v1.0.0");
    await does("image promote v1.0.0");
    expect(await look()).toMatchObject(all);
  });

  test("sandbox_started: no room in the account, until there is some", async () => {
    const { look } = await openDesk();
    await modal().change({ containers: 0 });
    const seen = await look();
    await modal().change({ containers: 100 });
    expect(seen).toMatchObject({
      status: "failed",
      image_found: true,
      sandbox_started: false,
      gateway_reachable: false,
    });
    expect(problem(seen)).toMatchObject({
      field: "sandbox_started",
      found: expect.stringMatching(/^Modal has no room for a sandbox of this account now: /),
      cure: expect.stringContaining("ask Modal for a higher limit"),
    });
    expect(await look()).toMatchObject(all);
  });

  test("volume_mounted: a path of the image's is no volume, until there is one", async () => {
    const { look, client, app } = await openDesk(["volume"]);
    const seen = await look();
    expect(seen).toMatchObject({
      status: "failed",
      sandbox_started: true,
      volume_mounted: false,
      claude_installed: true,
    });
    expect(problem(seen)).toEqual({
      field: "volume_mounted",
      found: `Modal has no volume ${app}.`,
      cure: `Make it (modal volume create ${app}), or name one that is there (modal.volume).`,
    });
    await client.volumes.fromName(app, { createIfMissing: true });
    expect(await look()).toMatchObject(all);
  });

  test("claude_installed: an image without it, until another is live", async () => {
    const { look, does, app } = await openDesk(["claude"]);
    const seen = await look();
    expect(seen).toMatchObject({
      status: "failed",
      sandbox_started: true,
      claude_installed: false,
      claude_version: null,
      claude_path: null,
      claude_error: "claude: not found",
    });
    expect(problem(seen)).toEqual({
      field: "claude_installed",
      found: `In a sandbox of ${app}:live, \`claude --version\` ended with 127 and said nothing.`,
      cure: "Go back to the image before (parhelia image rollback), or build another one and make it live (parhelia image build --force, parhelia image promote TAG).",
    });
    await does("image build --tag v1.0.0 --force");
    await does("image promote v1.0.0");
    expect(await look()).toMatchObject(all);
  });

  test("gateway_reachable: no service, until it is started and named", async () => {
    const { look } = await openDesk(["service"]);
    const seen = await look();
    expect(seen).toMatchObject({ status: "failed", sandbox_started: true, gateway_reachable: false });
    expect(problem(seen)).toMatchObject({
      field: "gateway_reachable",
      found: expect.stringMatching(
        /^From a sandbox, http:\/\/127\.0\.0\.1:\d+\/healthz gave “no answer: ECONNREFUSED”\.$/,
      ),
      cure: expect.stringMatching(/^Start the service \(parhelia serve\), /),
    });
    const stranger = await listen(
      new Hono().get("/healthz", (context) => context.text("hello")),
      {
        host: "127.0.0.1",
        port: 0,
      },
    );
    onTestFinished(() => stranger.close());
    expect(await look({ PARHELIA_SERVER_PUBLIC_URL: `http://127.0.0.1:${stranger.port}` })).toMatchObject({
      gateway_reachable: false,
    });
    const address = `http://127.0.0.1:${await openDoor()}`;
    expect(await look({ PARHELIA_SERVER_PUBLIC_URL: address })).toMatchObject(all);
  });

  test("anthropic_key_set: no key, a wrong one, and one that answers", async () => {
    const { look } = await openDesk();
    const none = await look({ ANTHROPIC_API_KEY: "" });
    expect(none).toMatchObject({ status: "failed", claude_installed: true, anthropic_key_set: false });
    expect(problem(none)).toEqual({
      field: "anthropic_key_set",
      found: "ANTHROPIC_API_KEY is not set.",
      cure: "Make a key (https://platform.claude.com/settings/keys), set ANTHROPIC_API_KEY for the service and here, and start the service again.",
    });
    const wrong = await look({ ANTHROPIC_API_KEY: "sk-ant-wrong" });
    expect(wrong).toMatchObject({ status: "failed", anthropic_key_set: false });
    expect(problem(wrong).found).toBe("The model's API answered 401: “invalid x-api-key”.");
    expect(await look({ ANTHROPIC_API_KEY: apiKey })).toMatchObject(all);
  });
});
