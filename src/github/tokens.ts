/**
 * Credentials of the app: the signed word that it is the app, and the tokens that this buys. The client library's own
 * way ignores the API's address for scoped tokens and shares them between two apps in one process, so we mint ours.
 */
import { createPrivateKey, createSign } from "node:crypto";
import { minuteMs, secondMs } from "../core/instant.ts";
import type { InstallationId } from "../core/ids.ts";
import type { Clock } from "../core/ports/clock.ts";
import { failureOf } from "./failure.ts";

export type AppIdentity = {
  readonly id: number;
  /** PEM. */
  readonly privateKey: string;
};

export type Minted = { readonly token: string; readonly expiresAt: number };
export type Scope = {
  readonly repository_ids?: number[];
  readonly permissions?: {
    readonly contents: "read";
    readonly metadata: "read";
    readonly issues: "read";
    readonly pull_requests: "read";
  };
};
export type Mint = (installation: InstallationId, scope: Scope) => Promise<Minted>;

export type Tokens = {
  /** The service's own token of an installation, with all the rights that it was given; lives a minute at least. */
  installation(id: InstallationId): Promise<string>;
  /** Drops this token where GitHub has answered 401 to it. */
  forget(id: InstallationId, token: string): void;
  /** A new token that can read one repository and write nothing. */
  readOnly(id: InstallationId, repositoryId: number): Promise<Minted>;
};

/** A token lives an hour (GitHub's documentation); the margin covers a slow call and a clock that is somewhat off. */
const lifetimeMs = 55 * minuteMs;
const marginMs = 5 * minuteMs;

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Says that the bearer is the app, for eight minutes. GitHub takes ten at most, and a start in the future never. */
export function appToken(app: AppIdentity, nowMs: number): string {
  const nowS = Math.floor(nowMs / secondMs);
  const said = `${encode({ alg: "RS256", typ: "JWT" })}.${encode({ iat: nowS - 60, exp: nowS + 480, iss: String(app.id) })}`;
  const signature = createSign("RSA-SHA256").update(said).sign(createPrivateKey(app.privateKey), "base64url");
  return `${said}.${signature}`;
}

export function openTokens(clock: Clock, mint: Mint): Tokens {
  const kept = new Map<InstallationId, { token: Promise<string>; staleAt: number; text: string | undefined }>();

  const asked = async (id: InstallationId, scope: Scope): Promise<Minted> => {
    try {
      return await mint(id, scope);
    } catch (error) {
      // Not the failure itself: a 403 here is no word about the issue or file that the caller wanted.
      const because = failureOf(error)?.message ?? "no answer";
      throw new Error(`no token for installation ${id}: ${because}`, { cause: error });
    }
  };

  const renew = (id: InstallationId): Promise<string> => {
    const entry = {
      token: Promise.resolve(""),
      staleAt: clock.now() + lifetimeMs,
      text: undefined as string | undefined,
    };
    entry.token = asked(id, {}).then(
      ({ token, expiresAt }) => {
        entry.text = token;
        entry.staleAt = Math.min(entry.staleAt, expiresAt - marginMs);
        return token;
      },
      (error: unknown) => {
        if (kept.get(id) === entry) kept.delete(id);
        throw error;
      },
    );
    kept.set(id, entry);
    return entry.token;
  };

  return {
    installation(id) {
      const entry = kept.get(id);
      return entry !== undefined && clock.now() < entry.staleAt ? entry.token : renew(id);
    },
    forget(id, token) {
      // A slow call must not throw away what a faster one has renewed since.
      if (kept.get(id)?.text === token) kept.delete(id);
    },
    readOnly: (id, repositoryId) =>
      asked(id, {
        repository_ids: [repositoryId],
        permissions: { contents: "read", metadata: "read", issues: "read", pull_requests: "read" },
      }),
  };
}
