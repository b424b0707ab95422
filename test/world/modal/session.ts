/** Tokens: the ones that a client gets for its credentials, and the ones that open a sandbox's router. */
import type { Metadata } from "nice-grpc";
import type { Account } from "./account.ts";
import { unauthenticated } from "./refuse.ts";
import type { Handlers } from "./wire.ts";

let made = 0;

/** Three parts with `exp`; nobody checks a signature (modal.md §5 "Auth"). By the machine's clock, as the client reads it. */
export function newSession(account: Account, subject: string): string {
  const exp = Math.floor(Date.now() / 1000) + account.options.tokenLifeS;
  made += 1;
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "none" })}.${part({ sub: subject, exp, jti: made })}.x`;
  account.sessions.set(token, exp);
  return token;
}

const isGood = (account: Account, token: string): boolean => (account.sessions.get(token) ?? 0) > Date.now() / 1000;

/** Throws UNAUTHENTICATED, which the client passes on as it is (modal.md §2: "bad token 16"). */
export function checkCaller(account: Account, call: string, metadata: Metadata): void {
  const secret = account.tokens.get(metadata.get("x-modal-token-id") ?? "");
  if (secret === undefined || secret !== metadata.get("x-modal-token-secret")) {
    throw unauthenticated("Token ID is malformed or the token has been revoked");
  }
  if (call === "AuthTokenGet") return;
  if (!isGood(account, metadata.get("x-modal-auth-token") ?? "")) throw unauthenticated("Auth token has expired");
}

export function checkRouterCaller(account: Account, metadata: Metadata): void {
  const token = (metadata.get("authorization") ?? "").replace(/^Bearer /, "");
  if (!isGood(account, token)) throw unauthenticated("Invalid or expired JWT");
}

export const sessionCalls = (account: Account): Handlers => ({
  authTokenGet: async (_, { metadata }) => ({ token: newSession(account, metadata.get("x-modal-token-id") ?? "") }),
});
