/** Creating the sandbox of an attempt, under the name that is written down already: after a crash the same one is found. */
import { after } from "../core/instant.ts";
import { lifetimeMs, patience } from "../core/next-step.ts";
import { attemptPut } from "../records/attempt.ts";
import type { Room } from "./room.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";

export async function createSandbox(room: Room, look: Look): Promise<Done> {
  const { task } = look;
  const attempt = attemptOf(look);
  const { sandboxes } = room;
  const proxy = sandboxes.proxyAddress === undefined ? {} : { PARHELIA_PROXY: sandboxes.proxyAddress };
  const sandbox = await sandboxes.create({
    name: attempt.sandbox,
    command: room.boot,
    env: {
      ...room.sandboxEnv,
      ...proxy,
      PARHELIA_GATEWAY: sandboxes.gatewayAddress,
      PARHELIA_TOKEN: room.tokens.issue(attempt.id),
    },
    resources: task.spec.resources,
    lifetimeMs: lifetimeMs(task),
  });
  return {
    due: after(sandbox.startedAt, patience.firstWordMs),
    also: { put: [attemptPut({ ...attempt, createdAt: sandbox.startedAt })] },
    events: [eventOf(look, "info", "sandbox_created", `sandbox ${sandbox.name}`)],
  };
}
