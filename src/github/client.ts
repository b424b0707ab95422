/**
 * The client of GitHub's API for each installation. It adds the token, keeps the limits, and renews a token once after a 401.
 * It repeats nothing else: a POST whose answer was lost may have been done.
 */
import { Octokit } from "@octokit/rest";
import { InstallationId } from "../core/ids.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { Log } from "../core/ports/log.ts";
import { failureOf, orUndefined } from "./failure.ts";
import { repoOf, type RepositoryPlace } from "./place.ts";
import { openLimits } from "./limits.ts";
import { appToken, openTokens, type AppIdentity, type Tokens } from "./tokens.ts";
import { openWriter, type Writer } from "./writer.ts";

export type ClientOptions = {
  readonly app: AppIdentity;
  /** `https://api.github.com`, or `https://HOST/api/v3` of an Enterprise server. */
  readonly apiUrl: string;
  readonly fetch: typeof fetch;
  readonly clock: Clock;
  readonly log: Log;
};

export type Installed = { readonly octokit: Octokit; readonly writer: Writer };
export type Clients = {
  readonly tokens: Tokens;
  of(installation: InstallationId): Installed;
  /** The installation that covers this repository; undefined where the app is not installed there. */
  installationOn(place: RepositoryPlace): Promise<InstallationId | undefined>;
  /** Whether files of GitHub Actions may be written, as it is now and not as it was when a token was made. */
  mayChangeWorkflows(installation: InstallationId): Promise<boolean>;
};

/** Supported until March 2028 at least; a client that sends none gets whichever GitHub thinks best. */
const apiVersion = "2022-11-28";
const answerWithinMs = 30_000;

/** For what the App asks about itself. */
export function clientAsApp(options: ClientOptions): Octokit {
  const octokit = bareClient(options);
  octokit.hook.before("request", (request) => {
    request.headers.authorization = `Bearer ${appToken(options.app, options.clock.now())}`;
  });
  return octokit;
}

export function openClients(options: ClientOptions): Clients {
  const { clock } = options;
  const open = (): Octokit => bareClient(options);
  const asApp = clientAsApp(options);
  const tokens = openTokens(clock, async (installation, scope) => {
    const { data } = await asApp.rest.apps.createInstallationAccessToken({ installation_id: installation, ...scope });
    return { token: data.token, expiresAt: Date.parse(data.expires_at) };
  });
  const installed = new Map<InstallationId, Installed>();
  return {
    tokens,
    of(installation) {
      let found = installed.get(installation);
      if (found === undefined) {
        found = { octokit: authorised(open(), installation, tokens, clock), writer: openWriter(clock) };
        installed.set(installation, found);
      }
      return found;
    },
    async installationOn(place) {
      const found = await orUndefined(asApp.rest.apps.getRepoInstallation(repoOf(place)));
      return found && InstallationId.parse(found.data.id);
    },
    async mayChangeWorkflows(installation) {
      const { data } = await asApp.rest.apps.getInstallation({ installation_id: installation });
      if (data.permissions.workflows !== "write") return false;
      // A token keeps the rights that it was made with.
      tokens.forget(installation, await tokens.installation(installation));
      return true;
    },
  };
}

function bareClient({ apiUrl, fetch, log }: ClientOptions): Octokit {
  const timed: typeof fetch = (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(answerWithinMs) });
  const quiet = (): void => undefined;
  const octokit = new Octokit({
    baseUrl: apiUrl,
    userAgent: "parhelia",
    request: { fetch: timed },
    log: {
      debug: quiet,
      info: quiet,
      warn: (message: string) => log.warn({}, message),
      // It calls every 404 an error; whoever asked knows better.
      error: quiet,
    },
  });
  octokit.hook.before("request", (request) => {
    request.headers["x-github-api-version"] = apiVersion;
  });
  return octokit;
}

function authorised(octokit: Octokit, installation: InstallationId, tokens: Tokens, clock: Clock): Octokit {
  const limits = openLimits(clock);
  octokit.hook.wrap("request", async (request, given) => {
    const traffic = given.method === "GET" || given.method === "HEAD" ? "read" : "write";
    const send = async (token: string) => {
      limits.gate(traffic);
      // In place: behind another hook the client sends what it was first given and not what is handed over here.
      given.headers.authorization = `token ${token}`;
      const answer = await request(given);
      limits.succeeded(traffic);
      return answer;
    };
    const token = await tokens.installation(installation);
    try {
      try {
        return await send(token);
      } catch (error) {
        if (failureOf(error)?.status !== 401) throw error;
        // A 401 did nothing, so sending again is safe; a second one is a fault.
        tokens.forget(installation, token);
        return await send(await tokens.installation(installation));
      }
    } catch (error) {
      const failure = failureOf(error);
      throw (failure !== undefined && limits.failed(traffic, failure)) || error;
    }
  });
  return octokit;
}
