/**
 * Sandboxes on Modal, as its unmodified client finds it at the stand-in: a process of its own, with the image that an operator
 * would build there.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { dollars, microUsd } from "../../../src/core/money.ts";
import type { TaskView } from "../../../src/core/ports/forge.ts";
import { findClaude } from "../../../src/sandbox/local/find-claude.ts";
import { openModal, type ModalWorld } from "../modal/open-modal.ts";
import type { Backend, Site } from "./backend.ts";
import type { Check } from "./check.ts";
import { freePort } from "./programs.ts";

const cli = join(import.meta.dirname, "../../../src/cli.ts");
const tag = "v0.0.1";
/** The settings' own default. */
const app = "parhelia";
/** USD per second, as Modal publishes them; of the two that it names for memory the dearer one. */
const perSecond = { core: 0.000_039_42, gib: 0.000_006_72 };

export async function modalBackend(site: Site): Promise<Backend> {
  const modal = await openModal({ graceMs: 200, claude: findClaude(site.path) });
  const port = await freePort();
  const env = {
    ...modal.environment(),
    PARHELIA_SANDBOX_BACKEND: "modal",
    PARHELIA_SERVER_PORT: String(port),
    PARHELIA_SERVER_PUBLIC_URL: `http://127.0.0.1:${port}`,
  };
  try {
    await parhelia(site, env, ["image", "build", "--tag", tag]);
    await parhelia(site, env, ["image", "promote", tag]);
  } catch (error) {
    await modal.close();
    throw error;
  }
  return {
    words: "of Modal: its own client against a stand-in on this machine, from an image that was just built there",
    env,
    microUsdPerHour: async (view) => {
      const [billed] = await billOf(modal, [view]);
      if (billed === undefined) return 0;
      const { coreSeconds, gibSeconds, seconds } = billed;
      const usd = coreSeconds * perSecond.core + gibSeconds * perSecond.gib;
      return Math.round((usd / seconds) * 3600 * 1e6);
    },
    checks: async (views) => [await nothingLeft(modal), await notBelowTheBill(modal, views)],
    close: () => modal.close(),
  };
}

async function parhelia(site: Site, env: Readonly<Record<string, string>>, words: readonly string[]): Promise<void> {
  const child = spawn(process.execPath, [cli, ...words], {
    cwd: site.root,
    env: { ...site.env, ...env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const [said, [code]] = await Promise.all([text(child.stderr), once(child, "close")]);
  if (code !== 0) throw new Error(`parhelia ${words.join(" ")} ended with ${String(code)}: ${said}`);
}

/** The sandboxes of these tasks. */
const billOf = async (modal: ModalWorld, views: readonly TaskView[]) =>
  (await modal.bill()).filter(({ name }) => views.some(({ task }) => name?.startsWith(`parhelia-${task.id}-`)));

async function nothingLeft(modal: ModalWorld): Promise<Check> {
  const left = (await modal.living()).filter((each) => each.app === app);
  return {
    holds: left.length === 0,
    claim: "no sandbox is left on Modal",
    found: left.map(({ name, state }) => `${name} ${state}`).join(", "),
  };
}

async function notBelowTheBill(modal: ModalWorld, views: readonly TaskView[]): Promise<Check> {
  const bill = await billOf(modal, views);
  const billed = microUsd(Math.floor(bill.reduce((sum, { usd }) => sum + usd * 1e6, 0)));
  const charged = microUsd(views.reduce((sum, { spent, model }) => sum + spent - model, 0));
  return {
    holds: bill.length === views.length && billed > 0 && charged >= billed,
    claim: `what the reports charge for sandboxes (${dollars(charged)}) covers Modal's bill for them (${dollars(billed)})`,
    found: JSON.stringify(bill),
  };
}
