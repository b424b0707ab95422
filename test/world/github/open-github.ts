/**
 * A stateful GitHub for tests and demonstrations: the API with its refusals and limits, git over HTTP, pages, and webhook
 * deliveries that are held until stepped. Used in the process through `fetch`, or served on loopback through `listen`.
 */
import { mkdir } from "node:fs/promises";
import { createAdaptorServer } from "@hono/node-server";
import { openApi } from "./api.ts";
import { openDeliveries, type Deliveries, type DeliverTarget } from "./deliveries.ts";
import { Dropped, openFaults, type Faults } from "./faults.ts";
import type { Files } from "./files.ts";
import { addInstallation } from "./installations.ts";
import { openPages } from "./pages.ts";
import { personOf, type Person } from "./people.ts";
import { reading, type Reading } from "./read.ts";
import { openRecording, type Recording } from "./recording.ts";
import { seedRepository } from "./repositories.ts";
import { settings, type Settings } from "./settings.ts";
import { role, type App, type Permissions } from "./state.ts";
import {
  account,
  addAccount,
  counters,
  keyPair,
  seededDigits,
  type GitHubOptions,
  type LoggedRequest,
  type Push,
  type World,
} from "./world.ts";

export type { GitHubOptions } from "./world.ts";

export type GitHubStandIn = Settings &
  Reading & {
    /** `privateKey` is a PEM. */
    readonly app: { readonly id: number; readonly slug: string; readonly privateKey: string; readonly botId: number };
    /** The id of the installation on `acme`. */
    readonly installation: number;
    /** Made in place of the global one: give it to Octokit as `request.fetch`. Rejects where a fault breaks the connection. */
    readonly fetch: (input: Request | string | URL, init?: RequestInit) => Promise<Response>;
    /** Serves all on loopback. Unless `publicUrl` was given, addresses are the listener's own from then on. */
    listen(port?: number): Promise<{ readonly url: string }>;
    close(): Promise<void>;
    /** Origin of all addresses, without a slash at the end. */
    readonly publicUrl: string;
    /** For Octokit's `baseUrl`. */
    readonly apiUrl: string;
    readonly deliveries: Deliveries;
    /** Where deliveries go. */
    target: DeliverTarget | undefined;
    readonly faults: Faults;
    /** Acts as somebody; throws for a name that nobody bears. */
    as(login: string): Person;
    /** Makes a repository where it is not there and commits the files on its default branch; nobody hears of it. The new head's id. */
    repository(
      name: string,
      files?: Files,
      made?: { readonly private?: boolean; readonly defaultBranch?: string },
    ): Promise<string>;
    readonly requests: readonly LoggedRequest[];
    /** Calls that the stand-in does not know; a test that leaves some has to fail. */
    readonly unknownRequests: readonly string[];
    readonly pushes: readonly Push[];
  };

const appPermissions: Permissions = {
  metadata: "read",
  contents: "write",
  issues: "write",
  pull_requests: "write",
  checks: "write",
  actions: "read",
};
const appEvents = [
  "issue_comment",
  "issues",
  "pull_request",
  "pull_request_review",
  "pull_request_review_comment",
  "check_run",
  "workflow_run",
  "repository",
];

let worlds = 0;

function makeWorld(options: GitHubOptions, recording: Recording | undefined): World {
  worlds += 1;
  const nextId = counters();
  const accounts: World["accounts"] = new Map();
  const slug = options.app?.slug ?? "parhelia";
  const app: App = {
    id: options.app?.id ?? 7001,
    slug,
    clientId: "Iv23parhelia",
    permissions: options.app?.permissions ?? appPermissions,
    events: options.app?.events ?? appEvents,
    bot: addAccount({ accounts, nextId }, `${slug}[bot]`, { id: 9_000_001, type: "Bot" }),
  };
  const digits = seededDigits(options.seed ?? 1);
  let installationId = options.firstInstallationId ?? 50_000_000 + worlds * 1000;
  const pair = keyPair();
  const hook = { url: "https://parhelia.example.org/webhook", secret: options.webhookSecret };
  return {
    options,
    now: options.now,
    publicUrl: options.publicUrl?.replace(/\/$/, "") ?? "http://github.localhost",
    app,
    privateKeyPem: pair.privateKeyPem,
    publicKeys: new Map([[pair.privateKeyPem, pair.publicKey]]),
    accounts,
    repositories: new Map(),
    installations: new Map(),
    tokens: new Map(),
    requests: [],
    unknownRequests: [],
    pushes: [],
    deliveries: openDeliveries({
      now: options.now,
      nextAttempt: () => nextId("delivery"),
      digits,
      appId: app.id,
      secret: () => hook.secret,
      mode: options.deliveries ?? "held",
    }),
    manifestCodes: new Map(),
    workflowRuns: [],
    logAddresses: new Map(),
    hook,
    organizationHooks: new Map(),
    faults: openFaults(),
    recording,
    nextId,
    nextInstallationId: () => installationId++,
    digits,
  };
}

type Handler = (request: Request) => Promise<Response>;

/** A broken connection has to reach the client as one, not as an answer of 500. */
function serve(handler: Handler): ReturnType<typeof createAdaptorServer> {
  return createAdaptorServer({
    async fetch(request, { outgoing }) {
      try {
        return await handler(request);
      } catch (error) {
        if (!(error instanceof Dropped)) throw error;
        outgoing.destroy();
        return new Response(null, { status: 499 });
      }
    },
  });
}

function listenOn(server: ReturnType<typeof serve>, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.on("error", reject);
    server.listen(port, "127.0.0.1", () => {
      const address = server.address();
      if (address === null || typeof address === "string") reject(new Error("the listener has no port"));
      else resolve(address.port);
    });
  });
}

/**
 * Opens with `acme/widgets`, where `dana` may write and `olly` is a stranger, and with the app installed on `acme`.
 * Nothing of that is announced.
 */
export async function openGitHub(options: GitHubOptions): Promise<GitHubStandIn> {
  await mkdir(options.directory, { recursive: true });
  const folder = process.env["PARHELIA_RECORD_GITHUB"];
  const world = makeWorld(options, folder === undefined ? undefined : openRecording(folder, process.pid));
  addAccount(world, "dana", { role: role("write") });
  addAccount(world, "olly");
  await seedRepository(world, "acme/widgets", undefined);
  const installation = addInstallation(world, account(world, "acme"), {});
  const handler = openApi(world, openPages(world));
  const servers: ReturnType<typeof serve>[] = [];
  const read = reading(world);
  return {
    ...settings(world),
    ...read,
    app: { id: world.app.id, slug: world.app.slug, privateKey: world.privateKeyPem, botId: world.app.bot.id },
    installation: installation.id,
    fetch: (input, init) => handler(new Request(input, init)),
    async listen(port = 0) {
      const server = serve(handler);
      servers.push(server);
      const url = `http://127.0.0.1:${await listenOn(server, port)}`;
      if (options.publicUrl === undefined) world.publicUrl = url;
      return { url };
    },
    async close() {
      await world.deliveries.settled();
      for (const server of servers.splice(0)) {
        if ("closeAllConnections" in server) server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
    get publicUrl() {
      return world.publicUrl;
    },
    get apiUrl() {
      return `${world.publicUrl}/api/v3`;
    },
    deliveries: world.deliveries,
    get target() {
      return world.deliveries.target;
    },
    set target(to) {
      world.deliveries.target = to;
    },
    faults: world.faults,
    as: (login) => personOf(world, login),
    async repository(name, files, made) {
      const { defaultBranch } = await seedRepository(world, name, files, made);
      return (await read.branch(name, defaultBranch)) ?? "";
    },
    requests: world.requests,
    unknownRequests: world.unknownRequests,
    pushes: world.pushes,
  };
}
