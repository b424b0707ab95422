/**
 * Images on Modal, by the public calls of its client. Each layer is built by itself, because the client shows no log of a
 * build: which layer failed is all that it can tell.
 */
import { NotFoundError, type App, type Image, type ModalClient } from "modal";
import type { Finding, Findings, Probe } from "../../core/image.ts";
import { minuteMs, secondMs } from "../../core/instant.ts";
import type { Images } from "../../core/ports/images.ts";
import { Refusal } from "../../core/refusal.ts";
import { base, layersOf } from "./image-layers.ts";
import { buildLayers } from "./build-layers.ts";
import { inWords } from "./in-words.ts";
import { connectTo, type Account } from "./modal-client.ts";
import { ownApp } from "./own-app.ts";
import { remembered } from "./remembered.ts";

export function openModalImages(account: Account): Images {
  const client = connectTo(account);
  const theApp = remembered(() => ownApp(client, account));
  const byId = (imageId: string): Promise<Image> =>
    client.images.fromId(imageId).catch((error: unknown) => {
      if (!(error instanceof NotFoundError)) throw error;
      throw new Refusal(`Modal has no image ${imageId} any more. Build another one: parhelia image build --force`, {
        cause: error,
      });
    });
  return {
    base,
    build: (recipe, tell) =>
      inWords(async () => {
        const on = { client, app: await theApp(), appName: account.app };
        return (await buildLayers(on, { base, layers: layersOf(recipe), tell })).imageId;
      }),
    look: (imageId) => inWords(async () => lookInto(client, await theApp(), await byId(imageId))),
    publish: (imageId, name) => inWords(async () => (await byId(imageId)).publish(name)),
    idOf: (name) =>
      inWords(async () => {
        try {
          return (await client.images.fromName(name)).imageId;
        } catch (error) {
          if (error instanceof NotFoundError) return undefined;
          throw error;
        }
      }),
    close: () => client.close(),
  };
}

/** In the shell of the image, as the user that the runner is there. */
const scripts: Readonly<Record<Probe, string>> = {
  claude: "claude --version",
  node: "node --version",
  git: "git --version",
  workspace: "cd /workspace && echo written > .parhelia-probe && rm .parhelia-probe",
  agent: "id -u agent",
};

/** Ended by Modal itself, if this process does not live to do it. */
const longestMs = 5 * minuteMs;
const probeMs = minuteMs;

async function lookInto(client: ModalClient, app: App, image: Image): Promise<Findings> {
  const sandbox = await client.sandboxes.create(app, image, {
    // No sandbox of a task's, so that no service takes it for one that was forgotten.
    tags: { parhelia: "image" },
    command: ["sleep", String(longestMs / secondMs)],
    cpu: 1,
    cpuLimit: 1,
    memoryMiB: 1024,
    memoryLimitMiB: 1024,
    timeoutMs: longestMs,
    blockNetwork: true,
  });
  const find = async (probe: Probe): Promise<Finding> => {
    const asked = await sandbox.exec(["sh", "-c", `(${scripts[probe]}) 2>&1`], { timeoutMs: probeMs });
    const [output, exitCode] = await Promise.all([asked.stdout.readText(), asked.wait()]);
    return { exitCode, output: output.trim() };
  };
  try {
    return {
      claude: await find("claude"),
      node: await find("node"),
      git: await find("git"),
      workspace: await find("workspace"),
      agent: await find("agent"),
    };
  } finally {
    await sandbox.terminate({ wait: true });
  }
}
