/** What the parts of the service get from the configuration. */
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import { join } from "node:path";
import type { RunDefaults, StartLimits } from "./commands/command.ts";
import { ConfigError, type Config } from "./config.ts";
import type { Budgets } from "./core/budget.ts";
import { pricesWith, type ComputePrices } from "./core/compute-prices.ts";
import type { Network } from "./core/network.ts";
import type { Sandboxes } from "./core/ports/sandboxes.ts";
import { pricedModels } from "./core/pricing.ts";
import type { Operator } from "./engine/room.ts";
import type { GitHubForge } from "./github/forge.ts";
import type { GitHubOptions } from "./github/open-github.ts";
import { acceptOn, filesMiB, thisMachine, withDefaults } from "./sandbox/local/limits.ts";
import type { Account } from "./sandbox/modal/modal-client.ts";
import type { ModalSandboxesOptions } from "./sandbox/modal/open-modal-sandboxes.ts";
import { modalPerHour, refuseMisfits } from "./sandbox/modal/refuse.ts";
import type { StorePlace } from "./store/open-store.ts";
import { openOperatorWebhook } from "./web/operator-webhook.ts";

export const storePath = ({ root, settings }: Config): string =>
  settings.store.path ?? join(root, ".parhelia", "orchestrator.db");

/** Where the service keeps its state; a terminal's own tasks stay in the file. Throws where the settings contradict each other. */
export function storePlace(config: Config): StorePlace {
  const { url, path } = config.settings.store;
  if (url === undefined) return { kind: "sqlite", path: storePath(config) };
  if (path !== undefined)
    throw new ConfigError("store.path and store.url: the state is in a file or in Redis. Remove one.");
  const token = config.secrets.UPSTASH_REDIS_REST_TOKEN;
  if (token !== undefined) return { kind: "redis", url, token };
  throw new ConfigError(
    "UPSTASH_REDIS_REST_TOKEN is missing: store.url names a database, and this is the token for it.",
  );
}

type ModalSettings = Omit<ModalSandboxesOptions, "log" | "clock">;

/** To build and publish images there, which needs no address of ours. Throws a `ConfigError` that lists all that is missing. */
export function modalAccount({ settings, secrets }: Config): Omit<Account, "log"> {
  const { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret } = secrets;
  const { app, environment } = settings.modal;
  if (tokenId !== undefined && tokenSecret !== undefined) return { tokenId, tokenSecret, app, environment };
  throw new ConfigError(
    `Modal needs a token. Missing:\n  ${missingTokens(secrets).join("\n  ")}\nA token: modal token new`,
  );
}

const missingTokens = ({ MODAL_TOKEN_ID: id, MODAL_TOKEN_SECRET: secret }: Config["secrets"]): string[] => [
  ...(id === undefined ? ["MODAL_TOKEN_ID: the token's id, ak-…"] : []),
  ...(secret === undefined ? ["MODAL_TOKEN_SECRET: the token's secret, as-…"] : []),
];

/** For sandboxes on Modal. Throws a `ConfigError` that lists all that is missing. */
export function modalSettings({ settings, secrets }: Config): ModalSettings {
  const { MODAL_TOKEN_ID: tokenId, MODAL_TOKEN_SECRET: tokenSecret } = secrets;
  const { public_url: gateway } = settings.server;
  if (gateway === undefined || tokenId === undefined || tokenSecret === undefined) {
    const lines = [
      ...(gateway === undefined
        ? ["server.public_url (or PARHELIA_SERVER_PUBLIC_URL): the https address at which sandboxes reach this service"]
        : []),
      ...missingTokens(secrets),
    ];
    throw new ConfigError(
      `sandbox.backend is "modal". Missing:\n  ${lines.join("\n  ")}\nA token: modal token new. Without an account: sandbox.backend = "local"`,
    );
  }
  const { hostname, protocol, port } = new URL(gateway);
  if (isIP(hostname.replace(/^\[|\]$/g, "")) === 0 && (protocol !== "https:" || port !== "")) {
    throw new ConfigError(
      `server.public_url is ${gateway}: sandboxes on Modal reach named hosts by TLS on port 443 alone. Write https://${hostname}, and let what listens there pass it on to server.port.`,
    );
  }
  const { app, environment, image, regions, network, volume } = settings.modal;
  const forge = new URL(settings.github.web_url).hostname;
  const { allow_hosts: hosts } = settings.sandbox;
  const prices = pricesOf({ settings });
  return { tokenId, tokenSecret, gateway, app, environment, image, regions, prices, network, volume, forge, hosts };
}

/** What repositories may have of Modal's secrets; undefined where work runs on this machine. */
export const secretsGiven = ({ settings: { sandbox, modal } }: Config): readonly string[] | undefined =>
  sandbox.backend === "modal" ? modal.secrets : undefined;

/** What a sandbox may reach at most. On this machine there is a proxy for a list and no other way out. */
export const networkOf = ({ settings: { sandbox, modal } }: Config): Network => ({
  reaches: sandbox.backend === "modal" ? modal.network : "list",
  hosts: sandbox.allow_hosts,
});

/** What sandboxes on Modal cost by the published prices and the operator's own. */
export const pricesOf = ({ settings: { prices } }: Pick<Config, "settings">): ComputePrices =>
  pricesWith(prices.per_second, { broad: prices.region_broad, narrow: prices.region_narrow });

/** What a task gets where its person says nothing. */
export const runDefaults = (config: Config): RunDefaults => {
  const { settings } = config;
  return {
    prices: pricesOf(config),
    timeoutMs: settings.sandbox.timeout,
    budget: settings.budget.task,
    cpu: settings.sandbox.cpu,
    memoryMiB: settings.sandbox.memory,
    model: settings.agent.model ?? null,
  };
};

/** Of what the operator is told, and where; `github` is absent where this process does not serve it. */
export function operatorOf(
  { settings: { operator, alerts }, secrets }: Config,
  { github, fetch }: { github: GitHubForge | undefined; fetch: typeof globalThis.fetch },
): Operator {
  const { repository, webhook: url } = operator;
  const secret = secrets.PARHELIA_OPERATOR_WEBHOOK_SECRET;
  return {
    channels: [
      ...(repository === undefined || github === undefined ? [] : [github.operatorIssue(repository)]),
      ...(url === undefined ? [] : [openOperatorWebhook({ url, secret, fetch })]),
    ],
    alerts: {
      budgetSteps: alerts.budget_steps,
      errorPercent: alerts.error_percent,
      timeoutPercent: alerts.timeout_percent,
      minTasks: alerts.min_tasks,
    },
  };
}

/** Models that may be used: those that the operator names, or all that have a price. */
export const modelsOf = ({ settings: { agent } }: Config): readonly string[] =>
  agent.models.length === 0 ? pricedModels() : agent.models;

/** What the backend gives and takes, without opening it. */
function backendOf(config: Config): Pick<Sandboxes, "accept" | "pricePerHour"> {
  const { sandbox, modal } = config.settings;
  if (sandbox.backend === "modal") {
    const billing = { regions: modal.regions, prices: pricesOf(config) };
    return { accept: refuseMisfits, pricePerHour: (resources) => modalPerHour(resources, billing) };
  }
  const machine = thisMachine();
  const heldMiB = sandbox.isolation === "none" ? 0 : filesMiB(withDefaults({}, machine));
  return {
    accept: (resources) => acceptOn(machine, heldMiB, resources),
    pricePerHour: () => sandbox.price_per_hour,
  };
}

export const startLimitsOf = (config: Config): StartLimits => ({
  maxSandboxes: config.settings.engine.max_sandboxes,
  models: modelsOf(config),
  network: networkOf(config),
  secrets: secretsGiven(config),
  confirmAbove: config.settings.approval.confirm_above,
  ...backendOf(config),
});

export function budgetsOf({ settings: { budget } }: Config): Budgets {
  return {
    user: { day: budget.user_day, month: budget.user_month },
    repository: { day: budget.repository_day, month: budget.repository_month },
    installation: { day: budget.installation_day, month: budget.installation_month },
    service: { day: budget.day, month: budget.month },
  };
}

/** The App's private key as PEM text; undefined where none is set, or its file cannot be read. */
function privateKey({ settings, secrets }: Config): string | undefined {
  const path = settings.github.private_key_path;
  if (path === undefined) return secrets.PARHELIA_GITHUB_PRIVATE_KEY;
  try {
    return readFileSync(path, "utf8");
  } catch {
    // A key that only the service may read is not in the way of a command at a terminal; the service asks for it.
    return undefined;
  }
}

/** Every secret value that the configuration gives, whole; whoever knows a chat's webhook can write there. */
export const secretsOf = (config: Config): string[] =>
  [privateKey(config), config.settings.operator.webhook, ...Object.values(config.secrets)].filter(
    (value) => value !== undefined,
  );

type GitHubAccess = Omit<GitHubOptions, "log" | "clock" | "ids" | "store" | "fetch">;

/** Throws a `ConfigError` that lists all that is missing for GitHub. */
export function gitHubAccess(config: Config): GitHubAccess {
  const { settings, secrets } = config;
  const { app_id: id, private_key_path: path, web_url: webUrl, api_url: apiUrl, installations } = settings.github;
  const pem = privateKey(config);
  const secret = secrets.PARHELIA_GITHUB_WEBHOOK_SECRET;
  if (id === undefined || pem === undefined || secret === undefined)
    throw new ConfigError(missing({ id, pem, secret }, path));
  return {
    // A variable of the environment cannot hold line breaks everywhere, so they may be written out.
    app: { id, privateKey: pem.replaceAll(String.raw`\n`, "\n") },
    webhookSecrets: { now: secret, before: secrets.PARHELIA_GITHUB_WEBHOOK_SECRET_OLD },
    apiUrl,
    webUrl,
    installations,
    defaults: runDefaults(config),
  };
}

function missing({ id, pem, secret }: Record<"id" | "pem" | "secret", unknown>, path: string | undefined): string {
  const key = path === undefined ? "its private key" : `its private key; ${path} cannot be read`;
  const lines = [
    ...(id === undefined ? ["github.app_id (or PARHELIA_GITHUB_APP_ID): the number of your GitHub App"] : []),
    ...(pem === undefined ? [`github.private_key_path or PARHELIA_GITHUB_PRIVATE_KEY: ${key}`] : []),
    ...(secret === undefined ? ["PARHELIA_GITHUB_WEBHOOK_SECRET: its webhook secret"] : []),
  ];
  return `The service needs a GitHub App. Missing:\n  ${lines.join("\n  ")}\nWithout an account: npm run demo`;
}
