/**
 * The whole of one stand-in, handed to every route and helper: state, clock, counters, logs.
 * Nothing here is shared between two stand-ins but the key pair, whose making takes longer than most tests.
 */
import { createHash, generateKeyPairSync, type KeyObject } from "node:crypto";
import type { DeliveryQueue } from "./deliveries.ts";
import type { FaultSource } from "./faults.ts";
import type { Recording } from "./recording.ts";
import {
  fullName,
  type Account,
  type App,
  type Installation,
  type Issue,
  type Level,
  type Permissions,
  type Repository,
  type Token,
  type WorkflowRun,
} from "./state.ts";

export type GitHubOptions = {
  /** Existing directory; the bare repositories are made in it. */
  readonly directory: string;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  readonly webhookSecret: string;
  /** Origin of all addresses; the API is at `/api/v3` below it. `http://github.localhost` unless given, and the listener's own once it listens. */
  readonly publicUrl?: string;
  /** Tokens and delivery ids are made of it: two stand-ins with one seed make the same. 1 unless given. */
  readonly seed?: number;
  /** The first installation's id; the next ones count on. Unless given it differs between the stand-ins of one process, as Octokit shares tokens by it. */
  readonly firstInstallationId?: number;
  readonly app?: {
    readonly id?: number;
    readonly slug?: string;
    readonly events?: readonly string[];
    readonly permissions?: Permissions;
  };
  /** Whether commits that an app makes without naming an author are signed. */
  readonly commitSigning?: "signed" | "unsigned";
  /** A new token draws 401 for this long. */
  readonly newTokensRefusedForMs?: number;
  /** Requests an hour for an installation. */
  readonly primaryLimit?: number;
  /** Whether the limits by the minute hold (`limits.ts`). */
  readonly secondaryLimits?: "kept" | "off";
  /** `held` until stepped, or `auto`: sent as soon as made, in order, off the request's path. */
  readonly deliveries?: "held" | "auto";
};

export type LoggedRequest = {
  readonly at: number;
  readonly method: string;
  /** Below the API's root, or of the git door (`/acme/widgets.git/…`), without the query. */
  readonly path: string;
  readonly query: string;
  readonly by: "app" | "anonymous" | "installation";
  readonly installation: number | undefined;
  /** Changes something that people see; making and revoking tokens is not counted. */
  readonly isWrite: boolean;
  readonly status: number;
};

export type Push = {
  readonly repository: string;
  readonly branch: string;
  readonly before: string;
  readonly after: string;
};

export type World = {
  readonly options: GitHubOptions;
  readonly now: () => number;
  publicUrl: string;
  readonly app: App;
  /** The one that the app was made with. */
  readonly privateKeyPem: string;
  /** Of all its private keys that are good, by their PEM. */
  readonly publicKeys: Map<string, KeyObject>;
  readonly accounts: Map<string, Account>;
  readonly repositories: Map<number, Repository>;
  readonly installations: Map<number, Installation>;
  readonly tokens: Map<string, Token>;
  readonly requests: LoggedRequest[];
  readonly unknownRequests: string[];
  readonly pushes: Push[];
  readonly deliveries: DeliveryQueue;
  /** Codes of the manifest flow, each good for one conversion. */
  readonly manifestCodes: Map<string, string>;
  /** Attempts at runs of GitHub Actions, newest last. */
  readonly workflowRuns: WorkflowRun[];
  /** Addresses of logs that were handed out, with the text and until when they answer. */
  readonly logAddresses: Map<string, { readonly text: string; readonly until: number }>;
  /** Owners whose organisation has a hook of its own beside the app's, and whether its payloads name the installation. */
  readonly organizationHooks: Map<string, "as-app" | "absent">;
  readonly faults: FaultSource;
  /** Where all is written down; undefined when nobody asked for it. */
  readonly recording: Recording | undefined;
  /** The next number of a kind. */
  readonly nextId: (kind: IdKind) => number;
  /** Where deliveries go and what signs them, as the App's page has it. */
  readonly hook: { url: string; secret: string };
  readonly nextInstallationId: () => number;
  /** Hexadecimal digits that follow from the seed and the label alone. */
  readonly digits: (label: string, length: number) => string;
};

const firstIds = {
  account: 1001,
  repository: 500_001,
  issue: 3_000_001,
  comment: 900,
  reviewComment: 700_001,
  review: 800_001,
  label: 40_001,
  reaction: 60_001,
  checkRun: 70_001,
  checkSuite: 80_001,
  delivery: 120_000_001,
  token: 1,
  guid: 1,
  event: 90_001,
  workflowRun: 810,
  log: 1,
} as const;
export type IdKind = keyof typeof firstIds;

export function counters(): (kind: IdKind) => number {
  const given = new Map<IdKind, number>();
  return (kind) => {
    const id = given.get(kind) ?? firstIds[kind];
    given.set(kind, id + 1);
    return id;
  };
}

export function seededDigits(seed: number): (label: string, length: number) => string {
  return (label, length) => {
    let digits = "";
    for (let block = 0; digits.length < length; block++)
      digits += createHash("sha256").update(`${seed}:${label}:${block}`).digest("hex");
    return digits.slice(0, length);
  };
}

export interface KeyPair {
  readonly privateKeyPem: string;
  readonly publicKey: KeyObject;
}

export function makeKeyPair(): KeyPair {
  const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { privateKeyPem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(), publicKey };
}

let keys: KeyPair | undefined;

/** The same for all of a process, as one takes a while to make. */
export const keyPair = (): KeyPair => (keys ??= makeKeyPair());

export const apiUrl = (world: World): string => `${world.publicUrl}/api/v3`;
export const iso = (instant: number): string => new Date(instant).toISOString().replace(/\.\d{3}Z$/, "Z");

export function account(world: World, login: string): Account {
  const found = world.accounts.get(login.toLowerCase());
  if (found === undefined) throw new Error(`the stand-in knows nobody called ${login}; use person() first`);
  return found;
}

export function addAccount(
  world: Pick<World, "accounts" | "nextId">,
  login: string,
  made: Partial<Account> = {},
): Account {
  const added: Account = {
    id: made.id ?? world.nextId("account"),
    login,
    type: made.type ?? "User",
    role: made.role,
    association: made.association,
    hasBlockedApp: false,
  };
  world.accounts.set(login.toLowerCase(), added);
  return added;
}

/** By present name only. */
export function findRepository(world: World, name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  return [...world.repositories.values()].find((each) => fullName(each).toLowerCase() === wanted);
}

/** A repository that now bears another name. */
export function findRenamed(world: World, name: string): Repository | undefined {
  const wanted = name.toLowerCase();
  return [...world.repositories.values()].find((each) => each.formerNames.includes(wanted));
}

export function repositoryNamed(world: World, name: string): Repository {
  const found = findRepository(world, name);
  if (found === undefined) throw new Error(`the stand-in has no repository ${name}`);
  return found;
}

export const allows = (permissions: Permissions, name: string, level: Level): boolean =>
  permissions[name] === "write" || (level === "read" && permissions[name] === "read");

export const covers = (
  of: { readonly account: Account; readonly repositories: "all" | ReadonlySet<number> },
  repository: Repository,
): boolean => of.account === repository.owner && (of.repositories === "all" || of.repositories.has(repository.id));

export function installationOf(world: World, repository: Repository): Installation | undefined {
  return [...world.installations.values()].find((each) => covers(each, repository));
}

export const issueNumbered = (repository: Repository, number: number): Issue | undefined =>
  repository.issues.find((each) => each.number === number);
