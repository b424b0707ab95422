/**
 * Creating the sandbox of an attempt, under the name that is written down already: after a crash the same one is found.
 * Where the backend has no machine for it yet, it is asked again, and after its time for the next machine that would do.
 */
import { after, earliest, type Instant } from "../core/instant.ts";
import { askedOf, firstMachine, imageFirst, nextMachine } from "../core/machine.ts";
import { microUsd, type MicroUsd } from "../core/money.ts";
import { machineFound, waitingForMachine } from "../core/moves.ts";
import { lifetimeMs, patience } from "../core/next-step.ts";
import type { Sandbox, SandboxSpec } from "../core/ports/sandboxes.ts";
import type { Machine } from "../core/awaited-machine.ts";
import type { Task } from "../core/task.ts";
import { attemptPut } from "../records/attempt.ts";
import type { Room } from "./room.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

export async function createSandbox(room: Room, look: Look): Promise<Done> {
  const made = await room.sandboxes.create(specOf(room, look));
  return typeof made === "string" ? noneYet(room, look, made) : created(room, look, made);
}

/** The machine that was asked for is given up, unless it came this very moment. */
export async function askForNextMachine(room: Room, look: Look): Promise<Done> {
  const { task } = look;
  const { id: attempt, sandbox: name } = attemptOf(look);
  const found = await room.sandboxes.find(name);
  if (found !== undefined) return created(room, look, found);
  await room.sandboxes.end(name);
  const now = room.clock.now();
  if (task.state !== "waiting" || task.machine === undefined) return { due: now };
  const machine = nextMachine(task.machine, now);
  if (machine === undefined) return { due: now };
  const message = `no GPU ${task.machine.gpu} was free in its time: ${machine.gpu} is asked for now`;
  return {
    to: waitingForMachine(task, { attempt, machine }, now),
    due: now,
    events: [eventOf(look, "info", "next_machine", message)],
  };
}

function specOf({ sandboxes, sandboxEnv, boot, tokens }: Room, look: Look): SandboxSpec {
  const { task } = look;
  const attempt = attemptOf(look);
  const proxy = sandboxes.proxyAddress === undefined ? {} : { PARHELIA_PROXY: sandboxes.proxyAddress };
  return {
    name: attempt.sandbox,
    command: boot,
    env: {
      ...sandboxEnv,
      ...proxy,
      PARHELIA_GATEWAY: sandboxes.gatewayAddress,
      PARHELIA_TOKEN: tokens.issue(attempt.id),
    },
    resources: askedOf(task.spec.resources, machineOf(look)),
    lifetimeMs: lifetimeMs(task),
    ...(task.base?.trusted === true ? {} : { untrusted: true }),
    network: task.spec.network,
    secrets: withholdsSecrets(task) ? undefined : task.spec.secrets,
    task: task.id,
    image: task.spec.image,
  };
}

/** Whoever has no write access could print them. */
const withholdsSecrets = ({ base, spec }: Task): boolean => base?.trusted !== true && (spec.secrets ?? []).length > 0;

const machineOf = ({ task }: Look): Machine | undefined => (task.state === "waiting" ? task.machine : undefined);

/** It costs nothing, and keeps its name, its slot and what is held for it. */
function noneYet({ clock, limits }: Room, look: Look, why: "waiting" | "building"): Done {
  const { task } = look;
  const attempt = attemptOf(look);
  const now = clock.now();
  const also = { put: [attemptPut({ ...attempt, waitedAt: now })] };
  const askAt = after(now, patience.machineMs);
  const machine = machineOf(look);
  const isBuilding = why === "building";
  // Once the image is there, a machine has its own time to come.
  const isAsBefore = machine !== undefined && (machine.building === true) === isBuilding;
  if (isAsBefore) return { due: earliest(askAt, machine.until), also };
  if (task.state !== "starting" && task.state !== "waiting") return { due: askAt, also };
  const waits = { now, maxWaitMs: limits.maxWaitMs, eachMs: task.spec.maxWaitMs };
  const first = isBuilding ? imageFirst(waits) : firstMachine(task.spec.resources, waits);
  const to = waitingForMachine(task, { attempt: attempt.id, machine: first }, now);
  return {
    to,
    due: earliest(askAt, first.until),
    also,
    events: [eventOf(look, "info", isBuilding ? "task_waits_for_image" : "task_waits_for_machine", to.because)],
  };
}

function created(room: Room, look: Look, made: Sandbox): Done {
  const { task } = look;
  const attempt = attemptOf(look);
  const { image, gpu } = made;
  const from = image === undefined ? "" : ` from image ${image.name} (${image.id})`;
  const over = task.spec.image === undefined || image === undefined ? "" : `, built on ${task.spec.image}`;
  const on = gpu === undefined ? "" : ` with GPU ${gpu}`;
  const without = withholdsSecrets(task)
    ? ", without the secrets of `sandbox.secrets`: its text or code comes from someone without write access"
    : "";
  const createdAt = startOf(made, attempt.claimedAt);
  return {
    ...(task.state === "waiting" ? { to: machineFound(task, attempt.id, room.clock.now()) } : {}),
    due: after(createdAt, patience.firstWordMs),
    also: { put: [attemptPut({ ...attempt, ...withGpu(gpu), createdAt, microUsdPerHour: priceOf(room, look, made) })] },
    events: [
      {
        ...eventOf(look, "info", "sandbox_created", `sandbox ${made.name}${from}${over}${on}${without}`),
        ...(image === undefined ? {} : { details: { image: image.name, image_id: image.id } }),
      },
    ],
  };
}

const withGpu = (gpu: string | undefined): { gpu?: string } => (gpu === undefined ? {} : { gpu });

/** The clock of a backend may be behind ours; nothing is billed before it was asked for. */
const startOf = ({ startedAt }: Sandbox, claimedAt: Instant): Instant =>
  startedAt < claimedAt ? claimedAt : startedAt;

/** Money is held for the dearest of what would do; of several, the one that came is what is paid, and never more. */
function priceOf({ sandboxes }: Room, look: Look, { gpu }: Sandbox): MicroUsd {
  const { resources } = look.task.spec;
  const { microUsdPerHour } = attemptOf(look);
  if (gpu === undefined || gpu === resources.gpu) return microUsdPerHour;
  return microUsd(Math.min(microUsdPerHour, sandboxes.pricePerHour({ ...resources, gpu })));
}
