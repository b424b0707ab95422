/** The engine's room and the sandboxes' door, made from their parts; the service gives real ones, the test world its own. */
import type { Hono } from "hono";
import type { Logger } from "pino";
import { answerRequest } from "./commands/answer-request.ts";
import type { RunDefaults } from "./commands/command.ts";
import { bootCommand } from "./core/boot.ts";
import { withSecretsKept } from "./core/changes.ts";
import type { Clock, Ids } from "./core/ports/clock.ts";
import type { Forge } from "./core/ports/forge.ts";
import type { Schedule } from "./core/ports/jobs.ts";
import type { Resources, Sandboxes } from "./core/ports/sandboxes.ts";
import type { Store } from "./core/ports/store.ts";
import type { Workflows } from "./core/ports/workflows.ts";
import { redactor } from "./core/redact.ts";
import type { Limits, Operator, Room } from "./engine/room.ts";
import { attemptTokens } from "./gateway/attempt-tokens.ts";
import { gatewayRoutes } from "./gateway/gateway.ts";
import { ledgerPurse } from "./gateway/ledger-purse.ts";
import { modelRoutes, type ModelDoor, type UnderWay } from "./gateway/model/model-routes.ts";

/** What the parts are made from; the test world gives its own. */
export interface Parts {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly forge: Forge;
  /** Absent without GitHub. */
  readonly workflows: Workflows | undefined;
  readonly labels: Room["labels"];
  readonly sandboxes: Sandboxes;
  readonly sandboxEnv: Readonly<Record<string, string>>;
  readonly runner: { readonly code: Uint8Array<ArrayBuffer>; readonly sha256: string };
  /** The key behind the attempts' tokens. */
  readonly key: string;
  /** All that nobody may see, whole, that key included. */
  readonly secrets: readonly string[];
  readonly limits: Limits;
  readonly operator: Operator;
  readonly schedule: Schedule;
  readonly defaults: RunDefaults;
  readonly model: { readonly apiUrl: string; readonly apiKey: string; readonly names: readonly string[] };
  readonly fetch: typeof fetch;
}

/** The engine's room and the sandboxes' door, over the same parts. */
export function assemble(parts: Parts): { room: Room; gateway: Hono; modelCalls: ReadonlyMap<unknown, number> } {
  const { store, clock, ids, log, defaults, limits, model, runner } = parts;
  const tokens = attemptTokens(parts.key);
  const forge = withSecretsKept(parts.forge, { secrets: parts.secrets, tokens });
  const world = { store, clock, ids, tokens };
  const redact = redactor(parts.secrets);
  const modelCalls: UnderWay = new Map();
  const door: ModelDoor = {
    verify: (token) => tokens.verify(token),
    purse: ledgerPurse({ ...world, budgets: limits.budgets }),
    upstream: { baseUrl: model.apiUrl, apiKey: model.apiKey, fetch: parts.fetch },
    allow: { models: model.names },
    log,
    now: () => clock.now(),
    unique: () => ids.unique(),
  };
  const modelDoor = modelRoutes(door, modelCalls);
  const backend = {
    pricePerHour: (resources: Resources) => parts.sandboxes.pricePerHour(resources),
    accept: (resources: Resources) => parts.sandboxes.accept(resources),
  };
  const startLimits = { budgets: limits.budgets, limits: { ...limits, ...backend } };
  const room: Room = {
    ...world,
    log,
    redact,
    forge,
    workflows: parts.workflows,
    labels: parts.labels,
    limits,
    operator: parts.operator,
    schedule: parts.schedule,
    sandboxes: parts.sandboxes,
    sandboxEnv: parts.sandboxEnv,
    boot: bootCommand(runner.sha256),
    holder: ids.unique(),
    answer: (request) => answerRequest(request, { store, forge, ids, defaults, ...startLimits, now: clock.now() }),
  };
  return {
    room,
    gateway: gatewayRoutes({ ...world, redact, forge, fetch: parts.fetch, runner, model: modelDoor }),
    modelCalls,
  };
}
