/** What an operator may set of the service, section by section, and what holds where they say nothing. */
import { z } from "zod";
import { Budget, textual, TimeoutMs } from "./quantities.ts";
import {
  address,
  alertsSection,
  githubSection,
  modalSection,
  operatorSection,
  pricesSection,
  sandboxSection,
  scheduleSection,
  serverSection,
  texts,
  whole,
} from "./setting-values.ts";

const money = textual.pipe(Budget);

/** What holds where neither the file nor the environment says otherwise, in the words of the file. */
export const fallbacks: Record<string, Record<string, unknown>> = {
  server: { host: "127.0.0.1", port: 3000 },
  github: { web_url: "https://github.com", api_url: "https://api.github.com", installations: [] },
  store: { keep_days: 90 },
  engine: { max_sandboxes: 10, poll_interval: "60s" },
  sandbox: {
    backend: "local",
    max_wait: "30m",
    isolation: "bubblewrap",
    cpu: 2,
    memory: "4GiB",
    timeout: "1h",
    price_per_hour: 0,
    allow_hosts: [],
  },
  modal: {
    app: "parhelia",
    image: "parhelia:live",
    volume: "parhelia-data",
    regions: [],
    network: "list",
    secrets: [],
  },
  agent: { models: [], api_url: "https://api.anthropic.com" },
  budget: { task: "$5", month: "$200", user_day: "$20", repository_day: "$20", installation_month: "$50" },
  prices: { per_second: [] },
  operator: {},
  schedule: { time_zone: "UTC" },
  alerts: { budget_steps: [80, 100], error_percent: 25, timeout_percent: 25, min_tasks: 5 },
  approval: {},
  log: { level: "info" },
};

export const sections = {
  server: serverSection,
  github: githubSection,
  store: z.strictObject({
    /** File of the SQLite database. */
    path: z.string().optional(),
    /** REST address of an Upstash Redis database, which any number of replicas share, in place of the file. */
    url: address.optional(),
    /** Days for which an ended task and its events are kept; a result can be published again for 30. */
    keep_days: whole(30, 3650),
  }),
  engine: z.strictObject({ max_sandboxes: whole(1, 1000), poll_interval: TimeoutMs }),
  sandbox: sandboxSection,
  modal: modalSection,
  prices: pricesSection,
  agent: z.strictObject({
    /** The agent's model where the person names none. */
    model: z.string().optional(),
    /** Models that may be used; empty for all that have a price. */
    models: texts,
    api_url: address,
    claude_path: z.string().optional(),
  }),
  /** For one task, for everything, and for each person, repository and installation, in a day and a month of UTC. */
  budget: z.strictObject({
    task: money,
    day: money.optional(),
    month: money,
    user_day: money,
    user_month: money.optional(),
    repository_day: money,
    repository_month: money.optional(),
    installation_day: money.optional(),
    installation_month: money,
  }),
  operator: operatorSection,
  schedule: scheduleSection,
  alerts: alertsSection,
  /** A task that will likely cost more waits for a maintainer's word. */
  approval: z.strictObject({ confirm_above: money.optional() }),
  log: z.strictObject({ level: z.enum(["debug", "info", "warn", "error"]) }),
};
