/** One service of a world: the real one, over a store, GitHub and sandboxes that stand in, which may die at any call. */
import type { Logger } from "pino";
import type { RunDefaults } from "../../src/commands/command.ts";
import type { AlertSettings } from "../../src/core/alerts.ts";
import { forgeByPlace } from "../../src/core/forge-by-place.ts";
import { pricedModels } from "../../src/core/pricing.ts";
import type { Clock, Ids } from "../../src/core/ports/clock.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { openEngine, type Engine } from "../../src/engine/engine.ts";
import type { Limits, Operator, Room } from "../../src/engine/room.ts";
import type { GitHubForge } from "../../src/github/forge.ts";
import { openGitHub as openGitHubSide } from "../../src/github/open-github.ts";
import { assemble, type Parts } from "../../src/assemble.ts";
import { noSchedule } from "../../src/operator/scheduled-jobs.ts";
import { openLocalForge } from "../../src/terminal/local-forge.ts";
import { openOperatorWebhook } from "../../src/web/operator-webhook.ts";
import { Dropped } from "./github/faults.ts";
import type { GitHubStandIn } from "./github/open-github.ts";
import { beginLife, type Life, type Moment } from "./life.ts";
import { mortalFetch, mortalSandboxes, mortalStore } from "./mortal.ts";
import type { SandboxStandIn } from "./sandboxes.ts";

export interface Around {
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly defaults: RunDefaults;
  readonly limits: Limits;
  /** Nobody is told unless given. */
  readonly operator?: WorldOperator | undefined;
  /** Nothing is done by itself unless given. */
  readonly schedule?: Parts["schedule"] | undefined;
  readonly github: GitHubStandIn;
  readonly sandboxes: SandboxStandIn;
  readonly installations: readonly number[];
  /** The model's API. */
  readonly model: (request: Request) => Promise<Response>;
}

export interface Service {
  readonly store: Store;
  readonly life: Life;
  readonly engine: Engine;
  /** What its engine works with, for another one: a loop in real time. */
  readonly room: Room;
  /** A delivery. Rejects where the service dies before it has answered. */
  webhook(request: Request): Promise<Response>;
  /** What a sandbox asks. Rejects likewise. */
  gateway(request: Request): Promise<Response>;
}

export interface WorldOperator {
  readonly repository?: string;
  readonly webhook?: { readonly url: string; readonly secret?: string };
  readonly alerts?: Partial<AlertSettings>;
}

const alerts: AlertSettings = { budgetSteps: [80, 100], errorPercent: 25, timeoutPercent: 25, minTasks: 5 };

/** The webhook is posted to for real; GitHub stands in. */
const operatorIn = (given: WorldOperator = {}, forge: GitHubForge): Operator => ({
  channels: [
    ...(given.repository === undefined ? [] : [forge.operatorIssue(given.repository)]),
    ...(given.webhook === undefined ? [] : [openOperatorWebhook({ secret: undefined, ...given.webhook, fetch })]),
  ],
  alerts: { ...alerts, ...given.alerts },
});

export const webhookSecret = "it is a secret to everybody";
const gatewaySecret = "the key behind all tokens, 64 characters in a real one";
const runner = { code: new Uint8Array(new TextEncoder().encode("// the runner")), sha256: "a".repeat(64) };

export function openService(around: Around, store: Store, death: Moment | undefined): Service {
  const { clock, github, sandboxes } = around;
  const life = beginLife(death);
  const parts = { ...around, store: mortalStore(life, store) };
  const side = openGitHubSide({
    ...parts,
    app: github.app,
    webhookSecrets: { now: webhookSecret, before: undefined },
    apiUrl: github.apiUrl,
    webUrl: github.publicUrl,
    fetch: mortalFetch(life, github.fetch),
  });
  const house = assemble({
    ...parts,
    operator: operatorIn(around.operator, side.forge),
    schedule: around.schedule ?? noSchedule,
    sandboxes: mortalSandboxes(life, sandboxes),
    runner,
    forge: forgeByPlace(clock, openLocalForge(), side.forge),
    workflows: side.forge.workflows,
    labels: side.forge.labels,
    sandboxEnv: {},
    key: gatewaySecret,
    secrets: [gatewaySecret, webhookSecret],
    model: { apiUrl: "http://model.test", apiKey: "sk-test", names: pricedModels() },
    fetch: mortalFetch(life, (request) =>
      // The gateway reaches GitHub too, for sandboxes that do not.
      request.url.startsWith(`${github.publicUrl}/`) ? github.fetch(request) : around.model(request),
    ),
  });
  // A service that dies while it is asked gives no answer.
  const silence = life.over.then((): Response => {
    throw new Dropped();
  });
  silence.catch(() => undefined);
  return {
    store,
    life,
    engine: openEngine(house.room, () => undefined),
    room: house.room,
    webhook: (request) => Promise.race([Promise.resolve(side.routes.fetch(request)), silence]),
    gateway: (request) => Promise.race([Promise.resolve(house.gateway.fetch(request)), silence]),
  };
}
