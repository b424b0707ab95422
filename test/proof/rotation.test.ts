/**
 * The keys of the model, the App, its webhook and Modal are changed while a task runs, in the order of the README, and the old ones are taken back: the task goes on in
 * the same attempt and nothing of GitHub's is lost.
 */
import { randomBytes } from "node:crypto";
import { expect, test } from "vitest";
import { expectSilence, needsClaude } from "../e2e/service.ts";
import { fixFile } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { openModalStage } from "./modal-stage.ts";

const ready = needs("bwrap") && needs("git") && needsClaude();

const fix = fixFile({
  path: "sum.js",
  from: "a - b",
  to: "a + b",
  summary: "The sum adds now.",
  // It asks GitHub, where the test can hold the answer.
  run: "git ls-remote origin || true",
});

test.skipIf(!ready)(
  "all keys are changed while an agent works, and it comes to its end",
  { timeout: 120_000 },
  async () => {
    const stage = await openModalStage({ script: fix });
    const { modal, model, github, child, reader, env, hold, start, comment, ended } = stage;
    if (model === undefined) throw new Error("there is no model");
    await github.repository("acme/widgets", { "sum.js": "export const sum = (a, b) => a - b;\n" });
    await start();
    // The first is the runner's own.
    const work = hold({ method: "GET", path: /^\/acme\/widgets\.git\/info\/refs$/, nth: 2, when: "before" });
    await comment("/parhelia run Make the sum right");
    await work.reached;
    const callsBefore = model.calls.length;

    // Made where they are made, beside the old ones.
    const before = { ...stage.secrets, modalSecret: modal.tokenSecret };
    const next = {
      modelKey: `sk-ant-${randomBytes(20).toString("hex")}`,
      webhookSecret: randomBytes(20).toString("hex"),
      privateKey: github.addPrivateKey(),
      modalSecret: "as-next",
    };
    model.keys.add(next.modelKey);
    await modal.tokens.make("ak-next", next.modalSecret);
    Object.assign(env, {
      ANTHROPIC_API_KEY: next.modelKey,
      ANTHROPIC_API_KEY_OLD: before.modelKey,
      PARHELIA_GITHUB_PRIVATE_KEY: next.privateKey,
      PARHELIA_GITHUB_PRIVATE_KEY_OLD: before.privateKey,
      PARHELIA_GITHUB_WEBHOOK_SECRET: next.webhookSecret,
      PARHELIA_GITHUB_WEBHOOK_SECRET_OLD: before.webhookSecret,
      MODAL_TOKEN_ID: "ak-next",
      MODAL_TOKEN_ID_OLD: modal.tokenId,
      MODAL_TOKEN_SECRET: next.modalSecret,
      MODAL_TOKEN_SECRET_OLD: before.modalSecret,
    });
    expect(await child.end("SIGTERM")).toBe(0);
    await start();
    // GitHub signs with the old one until it is told.
    await comment("/parhelia status");
    github.setWebhookSecret(next.webhookSecret);
    await comment("/parhelia status");

    model.keys.delete(before.modelKey);
    github.deletePrivateKey(before.privateKey);
    await modal.tokens.revoke(modal.tokenId);
    await modal.faults.expireTokens();
    work.release();
    const { task } = await ended(60_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "succeeded", attempts: 1 });
    const keysOf = (calls: typeof model.calls) => new Set(calls.map(({ headers }) => headers["x-api-key"]));
    expect(keysOf(model.calls.slice(0, callsBefore))).toEqual(new Set([before.modelKey]));
    expect(keysOf(model.calls.slice(callsBefore))).toEqual(new Set([next.modelKey]));
    const [pull] = github.pulls("acme/widgets");
    expect(await github.files("acme/widgets", pull?.pull.headSha)).toMatchObject({
      "sum.js": { text: "export const sum = (a, b) => a + b;\n" },
    });
    expect(await modal.living()).toEqual([]);

    for (const name of Object.keys(env).filter((each) => each.endsWith("_OLD"))) delete env[name];
    expect(await child.end("SIGTERM")).toBe(0);
    await start();
    github.setWebhookSecret(before.webhookSecret);
    github.as("dana").comment("acme/widgets", 1, "/parhelia status");
    expect(new Set((await github.deliveries.deliverAll()).map(({ status }) => status))).toEqual(new Set([401]));
    expect(await child.end("SIGTERM")).toBe(0);
    expectSilence(child.said, stage.secrets);
    expectSilence(child.said, next);
    const told = JSON.stringify([await reader.events(), github.comments("acme/widgets", 1)]);
    // Of a key on many lines, not one of them.
    for (const secret of [...Object.values(before), ...Object.values(next)].flatMap((each) =>
      each.trim().split("\n").slice(0, 6).slice(-1),
    ))
      expect(told).not.toContain(secret);
  },
);
