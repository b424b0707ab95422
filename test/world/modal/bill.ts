/** What the sandboxes of the account cost, by what each was granted and the stand-in's own clock. */
import { mainEnvironment, type Account } from "./account.ts";
import type { Sandbox } from "./sandbox.ts";

export interface Billed {
  readonly sandboxId: string;
  readonly name: string | undefined;
  readonly app: string;
  readonly seconds: number;
  readonly coreSeconds: number;
  readonly gibSeconds: number;
  readonly gpu: string | undefined;
  readonly gpuSeconds: number;
  readonly usd: number;
}

/** USD per second: modal.md §4, as published 2026-07. */
const perSecond = { core: 0.000_039_42, gib: 0.000_006_67 };
const cards: Readonly<Record<string, number>> = {
  T4: 0.000_164,
  L4: 0.000_222,
  A10: 0.000_306,
  L40S: 0.000_542,
  A100: 0.000_583,
  "A100-40GB": 0.000_583,
  "A100-80GB": 0.000_694,
  "RTX-PRO-6000": 0.000_842,
  H100: 0.001_097,
  "H100!": 0.001_097,
  H200: 0.001_261,
  B200: 0.001_736,
  "B200+": 0.001_736,
};

export function billed(account: Account, sandbox: Sandbox): Billed {
  const { ask, app, gpu, startedAt, endedAt } = sandbox;
  const ms = startedAt === undefined ? 0 : (endedAt ?? account.clock.now()) - startedAt;
  const seconds = ms / 1000;
  const coreSeconds = seconds * ask.cpu;
  const gibSeconds = (seconds * ask.memoryMiB) / 1024;
  const gpuSeconds = seconds * (gpu?.count ?? 0);
  // By the card that was asked for: Modal says so of B200+, and an upgrade is taken to cost nothing more either.
  const rate = cards[ask.gpu?.type ?? ""] ?? 0;
  const usd = coreSeconds * perSecond.core + gibSeconds * perSecond.gib + gpuSeconds * rate;
  const { id: sandboxId, name } = sandbox;
  return { sandboxId, name, app: app.name, seconds, coreSeconds, gibSeconds, gpu: gpu?.type, gpuSeconds, usd };
}

export interface Living {
  readonly sandboxId: string;
  readonly taskId: string;
  readonly name: string | undefined;
  readonly app: string;
  readonly environment: string;
  readonly version: 1 | 2;
  readonly state: Sandbox["state"];
  readonly tags: Readonly<Record<string, string>>;
  readonly isForeign: boolean;
  readonly imageId: string;
  readonly gpu: string | undefined;
  readonly network: Sandbox["ask"]["network"];
  readonly mounts: Sandbox["ask"]["mounts"];
}

export function living(sandbox: Sandbox): Living {
  const { id: sandboxId, taskId, name, app, ask, state, tags, isForeign, gpu } = sandbox;
  const { version, imageId, network, mounts } = ask;
  const environment = app.environment || mainEnvironment;
  const shape = { sandboxId, taskId, name, app: app.name, environment, version, state, tags, isForeign };
  return { ...shape, imageId, gpu: gpu?.type, network, mounts };
}
