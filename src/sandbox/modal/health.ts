/**
 * A look at what sandboxes on Modal need, from a sandbox as tasks get it: of the live image, with the volume mounted and the
 * narrowest network of the settings. It makes nothing that was missing.
 */
import { NotFoundError, ResourceExhaustedError, type App, type Image, type ModalClient, type Volume } from "modal";
import { failed, ok, unseen, type Seen } from "../../core/checkup.ts";
import { computePerHour, type ComputePrices } from "../../core/compute-prices.ts";
import { blind, noClaude, type Sight } from "../../core/health.ts";
import { hourMs, minuteMs } from "../../core/instant.ts";
import { visible } from "../../core/markdown.ts";
import { microUsd, noMoney, type MicroUsd } from "../../core/money.ts";
import type { Clock } from "../../core/ports/clock.ts";
import {
  claudeProbe,
  claudeSeen,
  gatewayProbe,
  gatewaySeen,
  volumePath,
  volumeProbe,
  volumeSeen,
  type Answer,
} from "./health-probes.ts";
import { newToken } from "./in-words.ts";
import { isRejected } from "./codes.ts";
import { connectTo, type Account } from "./modal-client.ts";
import { networkOf, reachOf, type NetworkSettings } from "./reach.ts";

export interface ModalHealthOptions extends Account, NetworkSettings {
  readonly image: string;
  readonly volume: string;
  readonly regions: readonly string[];
  /** As published where it is left out. */
  readonly prices?: ComputePrices | undefined;
  readonly clock: Clock;
  /** Names what is written to the volume and taken away again. */
  readonly unique: string;
}

/** Ended by Modal itself, if this process does not live to do it. */
const longestMs = 3 * minuteMs;
const probeMs = 30_000;
const size = { cpu: 1, memoryMiB: 1024 };

/** Never throws for what Modal says; each failure is in the answer, with its cure. */
export async function lookAtModal(options: ModalHealthOptions): Promise<Sight> {
  const client = connectTo(options);
  try {
    return await look(client, options);
  } finally {
    client.close();
  }
}

type Sought<T> =
  | { readonly is: "there"; readonly it: T }
  | { readonly is: "missing"; readonly said: string }
  | { readonly is: "no answer"; readonly error: unknown };

async function seek<T>(call: () => Promise<T>): Promise<Sought<T>> {
  try {
    return { is: "there", it: await call() };
  } catch (error) {
    if (error instanceof NotFoundError) return { is: "missing", said: error.message };
    return { is: "no answer", error };
  }
}

async function look(client: ModalClient, options: ModalHealthOptions): Promise<Sight> {
  const nothing = { claude: noClaude, image: null, cost: noMoney };
  const [app, image, volume] = await Promise.all([
    seek(() => client.apps.fromName(options.app)),
    seek(() => client.images.fromName(options.image)),
    seek(() => client.volumes.fromName(options.volume)),
  ]);
  for (const each of [app, image, volume]) {
    if (each.is === "no answer") return { ...nothing, seen: blind("modal_connected", away(each.error)) };
  }
  const known: Sight["seen"] = {
    ...blind("modal_connected", ok("Modal takes the token")),
    app_deployed: app.is === "there" ? ok(`${options.app}, ${app.it.appId}`) : noApp(options),
    image_found: image.is === "there" ? ok(`${options.image}, ${image.it.imageId}`) : noImage(options),
  };
  if (app.is !== "there" || image.is !== "there") {
    const because = app.is !== "there" ? "app_deployed is false" : "image_found is false";
    const rest = unseen(`not looked at: ${because}`);
    const seen = { ...known, sandbox_started: rest, claude_installed: rest, gateway_reachable: rest };
    // Where there is none, no sandbox is needed to know that it is not mounted.
    const lacking = volumeSeen({ exitCode: 1, output: "" }, { volume: options.volume, isThere: false });
    return { ...nothing, seen: { ...seen, volume_mounted: volume.is === "there" ? rest : lacking } };
  }
  const made = { name: options.image, id: image.it.imageId };
  const ground = { app: app.it, image: image.it, volume: volume.is === "there" ? volume.it : undefined };
  return { ...(await lookInside(client, options, { ...ground, known })), image: made };
}

function away(error: unknown): Seen {
  if (isRejected(error)) return failed("Modal rejects the token.", newToken);
  return failed(
    `Modal gives no answer: ${saidBy(error)}`,
    "Try again in a while; its own state: https://status.modal.com. This machine must reach api.modal.com on port 443.",
  );
}

const saidBy = (error: unknown): string =>
  visible(error instanceof Error ? error.message : String(error))
    .replaceAll(/\s+/g, " ")
    .slice(0, 300);

const inEnvironment = ({ environment }: Account): string =>
  environment === undefined ? "" : ` in the environment ${environment}`;

const noApp = (options: ModalHealthOptions): Seen =>
  failed(
    `Modal has no app ${options.app}${inEnvironment(options)}.`,
    "Make it, with an image for it (parhelia image build), or name the one that is there (modal.app, modal.environment).",
  );

const noImage = (options: ModalHealthOptions): Seen =>
  failed(
    `Modal has no image ${options.image}${inEnvironment(options)}.`,
    "Build one and make it live (parhelia image build, parhelia image promote TAG), or name another one (modal.image).",
  );

interface Ground {
  readonly app: App;
  readonly image: Image;
  readonly volume: Volume | undefined;
  readonly known: Sight["seen"];
}

type Inside = Omit<Sight, "image">;

async function lookInside(client: ModalClient, options: ModalHealthOptions, ground: Ground): Promise<Inside> {
  const { clock, regions, prices, image: name } = options;
  const startedAt = clock.now();
  const sandbox = await create(client, options, ground);
  if (sandbox instanceof Error) return unstarted(ground, noSandbox(sandbox, name), noMoney);
  const cost = (): MicroUsd =>
    microUsd(Math.ceil((computePerHour({ ...size, regions }, prices) * (clock.now() - startedAt)) / hourMs));
  const ask = async (command: string[]): Promise<Answer> => {
    const asked = await sandbox.exec(command, { timeoutMs: probeMs });
    const [output, exitCode] = await Promise.all([asked.stdout.readText(), asked.wait()]);
    return { exitCode, output: output.trim() };
  };
  try {
    const [claude, volume, gateway] = await Promise.all([
      ask(claudeProbe),
      ask(volumeProbe(options.unique)),
      ask(gatewayProbe(options.gateway)),
    ]);
    const agent = claudeSeen(claude, name);
    const seen = {
      ...ground.known,
      sandbox_started: ok("a sandbox starts and runs commands"),
      volume_mounted: volumeSeen(volume, { volume: options.volume, isThere: ground.volume !== undefined }),
      claude_installed: agent.seen,
      gateway_reachable: gatewaySeen(gateway, options.gateway),
    };
    return { seen, claude: agent.claude, cost: cost() };
  } catch (error) {
    return unstarted(ground, broken(error, name), cost());
  } finally {
    // What cannot be ended now ends by its lifetime.
    await sandbox.terminate({ wait: true }).catch((error: unknown) => options.log.warn({ err: error }, "not ended"));
  }
}

function unstarted({ known }: Ground, why: Seen, cost: MicroUsd): Inside {
  const rest = unseen("not looked at: sandbox_started is false");
  const seen = {
    ...known,
    sandbox_started: why,
    volume_mounted: rest,
    claude_installed: rest,
    gateway_reachable: rest,
  };
  return { seen, claude: noClaude, cost };
}

const create = (client: ModalClient, options: ModalHealthOptions, { app, image, volume }: Ground) =>
  client.sandboxes
    .create(app, image, {
      // No sandbox of a task's, so that no service takes it for one that was forgotten.
      tags: { parhelia: "health" },
      command: ["sleep", String(longestMs / 1000)],
      cpu: size.cpu,
      cpuLimit: size.cpu,
      memoryMiB: size.memoryMiB,
      memoryLimitMiB: size.memoryMiB,
      timeoutMs: longestMs,
      ...(volume === undefined ? {} : { volumes: { [volumePath]: volume } }),
      ...(options.regions.length === 0 ? {} : { regions: [...options.regions] }),
      ...networkOf(reachOf(options, { untrusted: true })),
    })
    .catch((error: unknown) => (error instanceof Error ? error : new Error(String(error))));

function noSandbox(error: Error, image: string): Seen {
  if (error instanceof ResourceExhaustedError || ("code" in error && error.code === 8)) {
    return failed(
      `Modal has no room for a sandbox of this account now: ${saidBy(error)}`,
      "Wait until others have ended (parhelia status), ask Modal for a higher limit, or lower engine.max_sandboxes below it.",
    );
  }
  return failed(
    `Modal starts no sandbox of ${image}: ${saidBy(error)}`,
    "Go back to the image before (parhelia image rollback), or build another one (parhelia image build --force, parhelia image promote TAG).",
  );
}

const broken = (error: unknown, image: string): Seen =>
  failed(
    `A sandbox of ${image} started and could not be asked anything: ${saidBy(error)}`,
    "Run parhelia health again; if it stays, go back to the image before (parhelia image rollback).",
  );
