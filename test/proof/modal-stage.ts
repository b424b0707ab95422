/** A service between a stand-in for GitHub and one for Modal, all three processes or servers of their own. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { ImageTag } from "../../src/core/image.ts";
import { isEnded } from "../../src/core/task.ts";
import { findClaude } from "../../src/sandbox/local/find-claude.ts";
import { openChild, path } from "../e2e/child.ts";
import { openGate } from "../e2e/gate.ts";
import { openReader } from "../e2e/reader.ts";
import { environment } from "../e2e/service.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import { openGitHub } from "../world/github/open-github.ts";
import type { ModalWorld } from "../world/modal/open-modal.ts";
import type { Script } from "../world/model-script.ts";
import { openModel } from "../world/model.ts";

// With Modal's client, which reads its configuration file when it is imported.
const { openModalImages } = await import("../../src/sandbox/modal/images.ts");

export interface ModalStageOptions {
  /** What the model says; without it none can be reached. */
  readonly script?: Script;
}

export async function openModalStage({ script }: ModalStageOptions = {}) {
  const root = mkdtempSync(join(tmpdir(), "parhelia-modal-job-"));
  mkdirSync(join(root, ".parhelia"));
  const modal = await openAccount({ claude: script && findClaude(path) });
  if (script !== undefined) await publishWithClaude(modal);
  const gate = await openGate();
  const webhookSecret = randomBytes(20).toString("hex");
  const modelKey = `sk-ant-${randomBytes(20).toString("hex")}`;
  const publicUrl = `http://127.0.0.1:${gate.port}`;
  const model = script && (await openModel({ script, apiKey: modelKey }));
  const github = await openGitHub({ directory: join(root, "github"), now: Date.now, webhookSecret, publicUrl });
  gate.serve(github.fetch);
  const free = await openGate();
  await free.close();
  const address = `http://127.0.0.1:${free.port}`;
  const secrets = { modelKey, webhookSecret, privateKey: github.app.privateKey };
  const apiUrl = `${publicUrl}/api/v3`;
  /** Of the service when it is started next. */
  const env: Record<string, string> = {
    ...environment({ root, secrets, github, apiUrl, modelUrl: model?.url ?? "http://127.0.0.1:9" }),
    ...modal.environment(),
    PARHELIA_SERVER_PORT: String(free.port),
    PARHELIA_SERVER_PUBLIC_URL: address,
    PARHELIA_SANDBOX_BACKEND: "modal",
  };
  const child = openChild(root, env);
  const reader = openReader(join(root, ".parhelia", "orchestrator.db"));
  onTestFinished(async () => {
    gate.releaseAll();
    await child.end("SIGKILL");
    await reader.close();
    await github.close();
    await gate.close();
    await modal.close();
    await model?.close();
    rmSync(root, { recursive: true, force: true });
  });
  const issue = github.as("dana").openIssue("acme/widgets", "A file is missing", "It should be there.");
  const ended = (withinMs: number) =>
    eventually(
      async () => {
        const view = await reader.view();
        return isEnded(view.task) ? view : undefined;
      },
      { withinMs },
    );
  const start = async () => {
    await child.start();
    github.target = `${address}/webhook`;
  };
  const comment = async (body: string) => {
    github.as("dana").comment("acme/widgets", issue, body);
    for (const { status } of await github.deliveries.deliverAll()) expect(status).toBe(202);
  };
  return { root, modal, model, github, child, reader, address, secrets, env, hold: gate.hold, start, comment, ended };
}

/** What a service starts sandboxes from unless it is told otherwise, with the agent in it. */
async function publishWithClaude({ tokenId, tokenSecret }: ModalWorld): Promise<void> {
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const images = openModalImages({ tokenId, tokenSecret, environment: undefined, app: "parhelia", log });
  const recipe = { tag: ImageTag.parse("v0.0.1"), claudeCode: "2.1.330", freshness: "" };
  await images.publish(await images.build(recipe, () => undefined), "parhelia:live");
  images.close();
}
