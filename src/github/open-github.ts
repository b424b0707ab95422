/** GitHub's calls to us and ours to it, from one App. */
import type { Hono } from "hono";
import { Probot, ProbotOctokit } from "probot";
import type { Logger } from "pino";
import type { RunDefaults } from "../commands/command.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import { openGitHubForge, type GitHubForge } from "./forge.ts";
import { registerFailuresIntake } from "./failures/intake.ts";
import { registerIntake } from "./intake.ts";
import { registerLabelIntake } from "./labels/intake.ts";
import { registerSettingsIntake } from "./settings-intake.ts";
import { webhookRoutes } from "./webhook.ts";

export interface GitHubOptions {
  readonly app: { readonly id: number; readonly privateKey: string };
  readonly webhookSecrets: { readonly now: string; readonly before: string | undefined };
  /** `https://api.github.com` and `https://github.com`, or those of an Enterprise server. */
  readonly apiUrl: string;
  readonly webUrl: string;
  readonly installations: readonly number[];
  readonly defaults: RunDefaults;
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Logger;
  readonly fetch: typeof fetch;
}

export function openGitHub(options: GitHubOptions): { forge: GitHubForge; routes: Hono } {
  const { app, webhookSecrets, apiUrl, webUrl, clock, ids, log, fetch } = options;
  const forge = openGitHubForge({
    app,
    apiUrl,
    webUrl,
    fetch,
    clock,
    log,
    installations: options.installations,
    unique: () => ids.unique(),
  });
  const probot = new Probot({
    appId: app.id,
    privateKey: app.privateKey,
    secret: webhookSecrets.now,
    log,
    // Its client is not used for calls: its throttle and retries post twice what was lost once.
    Octokit: ProbotOctokit.defaults((defaults: object) => ({
      ...defaults,
      throttle: { enabled: false },
      retry: { enabled: false },
    })),
  });
  const installations = new Set(options.installations);
  for (const register of [registerIntake, registerSettingsIntake, registerFailuresIntake, registerLabelIntake])
    register(probot, { ...options, installations });
  return { forge, routes: webhookRoutes({ probot, secrets: webhookSecrets, log, ids }) };
}
