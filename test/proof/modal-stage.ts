/** A service between a stand-in for GitHub and one for Modal, all three processes or servers of their own. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished } from "vitest";
import { isEnded } from "../../src/core/task.ts";
import { openChild } from "../e2e/child.ts";
import { openGate } from "../e2e/gate.ts";
import { openReader } from "../e2e/reader.ts";
import { environment } from "../e2e/service.ts";
import { openAccount } from "../sandbox/modal-post.ts";
import { eventually } from "../world/eventually.ts";
import { openGitHub } from "../world/github/open-github.ts";

export async function openModalStage() {
  const root = mkdtempSync(join(tmpdir(), "parhelia-modal-job-"));
  mkdirSync(join(root, ".parhelia"));
  const modal = await openAccount();
  const gate = await openGate();
  const webhookSecret = randomBytes(20).toString("hex");
  const modelKey = `sk-ant-${randomBytes(20).toString("hex")}`;
  const publicUrl = `http://127.0.0.1:${gate.port}`;
  const github = await openGitHub({ directory: join(root, "github"), now: Date.now, webhookSecret, publicUrl });
  gate.serve(github.fetch);
  const free = await openGate();
  await free.close();
  const address = `http://127.0.0.1:${free.port}`;
  const secrets = { modelKey, webhookSecret, privateKey: github.app.privateKey };
  const child = openChild(root, {
    ...environment({ root, secrets, github, apiUrl: `${publicUrl}/api/v3`, modelUrl: "http://127.0.0.1:9" }),
    ...modal.environment(),
    PARHELIA_SERVER_PORT: String(free.port),
    PARHELIA_SERVER_PUBLIC_URL: address,
    PARHELIA_SANDBOX_BACKEND: "modal",
  });
  const reader = openReader(join(root, ".parhelia", "orchestrator.db"));
  onTestFinished(async () => {
    await child.end("SIGKILL");
    await reader.close();
    await github.close();
    await gate.close();
    await modal.close();
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
  return { root, modal, github, child, reader, address, secrets, start, comment, ended };
}
