/** Who calls, and how far they may reach: App JWTs, installation tokens, permissions, repositories. */
import { verify } from "node:crypto";
import { z } from "zod";
import { ApiError, inaccessible, notFound, part, type Context } from "./answer.ts";
import { limits } from "./limits.ts";
import { fullName, type Account, type Caller, type Level, type Repository, type Token } from "./state.ts";
import { allows, apiUrl, covers, findRenamed, findRepository, type World } from "./world.ts";

/** The caller that an `Authorization` header names. Throws 401 or 403. */
export function authenticate(world: World, authorization: string | null): Caller {
  if (authorization === null) return { kind: "anonymous" };
  const [, scheme, credential] = /^(\w+)\s+(\S+)$/.exec(authorization) ?? [];
  if (scheme === undefined || credential === undefined) throw new ApiError(401, "Bad credentials");
  const secret =
    scheme.toLowerCase() === "basic"
      ? Buffer.from(credential, "base64")
          .toString()
          .replace(/^[^:]*:/, "")
      : credential;
  if (secret.startsWith("ghs_")) return { kind: "token", token: liveToken(world, secret) };
  if (secret.split(".").length === 3) return verifiedApp(world, secret);
  throw new ApiError(401, "Bad credentials");
}

function liveToken(world: World, text: string): Token {
  const token = world.tokens.get(text);
  const now = world.now();
  const refusedForMs = world.options.newTokensRefusedForMs ?? 0;
  // An unknown token must never count as somebody: a revoked or expired one answers like a made-up one.
  if (token === undefined || token.expiresAt <= now || now < token.createdAt + refusedForMs)
    throw new ApiError(401, "Bad credentials");
  if (world.installations.get(token.installation.id) === undefined) throw new ApiError(401, "Bad credentials");
  if (token.installation.suspendedAt !== undefined) throw suspended();
  return token;
}

export const suspended = (): ApiError => new ApiError(403, "This installation has been suspended");

const Claims = z.object({ iat: z.number(), exp: z.number(), iss: z.union([z.string(), z.number()]) });

function verifiedApp(world: World, jwt: string): Caller {
  const undecodable = new ApiError(401, "A JSON web token could not be decoded");
  const [header = "", payload = "", signature = ""] = jwt.split(".");
  const signed = Buffer.from(`${header}.${payload}`);
  const sealed = Buffer.from(signature, "base64url");
  if (![...world.publicKeys.values()].some((key) => verify("RSA-SHA256", signed, key, sealed))) throw undecodable;
  const claims = Claims.safeParse(JSON.parse(Buffer.from(payload, "base64url").toString()));
  if (!claims.success) throw undecodable;
  const { iat, exp, iss } = claims.data;
  const nowS = world.now() / 1000;
  // The wording matters: Octokit corrects its clock by the Date header when it reads these two sentences.
  if (iat > nowS + 60)
    throw new ApiError(
      401,
      "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued",
    );
  if (exp <= nowS)
    throw new ApiError(
      401,
      "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the assertion expires",
    );
  if (exp > nowS + limits.jwtLifeS) throw new ApiError(401, "'Expiration time' claim ('exp') is too far in the future");
  if (String(iss) !== String(world.app.id) && iss !== world.app.clientId)
    throw new ApiError(401, "'Issuer' claim ('iss') must be an Integer");
  return { kind: "app" };
}

/** For the routes that only the App itself may call. */
export function needApp(context: Context): void {
  if (context.env.caller.kind !== "app") throw new ApiError(401, "A JSON web token could not be decoded");
}

export function needToken(context: Context): Token {
  const { caller } = context.env;
  if (caller.kind !== "token") throw new ApiError(401, "Requires authentication");
  return caller.token;
}

export type Need = { readonly any: readonly string[]; readonly level: Level };
export const reads = (...any: string[]): Need => ({ any, level: "read" });
export const writes = (...any: string[]): Need => ({ any, level: "write" });

/**
 * The repository that the route names, if the caller may do there what the route does.
 * Throws 404 for what the caller may not know of, 403 for what the token may not do, 301 or 307 for a former name.
 */
export function reach(world: World, context: Context, need: Need): Repository {
  const name = `${part(context, "owner")}/${part(context, "repo")}`;
  const repository = findRepository(world, name);
  if (repository === undefined) throw moved(world, context, name);
  mayReach(context.env.caller, repository, need);
  if (repository.archived && need.level === "write")
    throw new ApiError(403, "Repository was archived so is read-only.");
  return repository;
}

/** The same gate for a repository that is already found. */
export function mayReach(caller: Caller, repository: Repository, need: Need): void {
  if (caller.kind === "app") throw new ApiError(401, "A JSON web token could not be decoded");
  if (caller.kind === "anonymous") {
    if (repository.private) throw notFound();
    if (need.level === "write") throw new ApiError(401, "Requires authentication");
    return;
  }
  const { token } = caller;
  const isCovered =
    covers(token.installation, repository) && (token.repositories === "all" || token.repositories.has(repository.id));
  if (!isCovered) {
    if (repository.private) throw notFound();
    // What is public may be read with any token; a fork's owner need not have installed the App.
    if (need.level === "write") throw inaccessible();
    return;
  }
  const isAllowed = need.any.length === 0 || need.any.some((name) => allows(token.permissions, name, need.level));
  if (!isAllowed) throw inaccessible();
}

/** GET 301, others 307 to `/repositories/{id}`. */
function moved(world: World, context: Context, name: string): ApiError {
  const repository = findRenamed(world, name);
  if (repository === undefined) return notFound();
  const { pathname, search } = new URL(context.req.url);
  const rest = pathname.split("/").slice(4).join("/");
  const location = `${apiUrl(world)}/repositories/${repository.id}${rest && `/${rest}`}${search}`;
  const status = context.req.method === "GET" || context.req.method === "HEAD" ? 301 : 307;
  const message = status === 301 ? "Moved Permanently" : "Temporary Redirect";
  return new ApiError(status, message, { url: location, name: fullName(repository) }, { location });
}

/** Whose name stands under what a token does: the app's bot. */
export function actor(world: World, context: Context): Account {
  needToken(context);
  return world.app.bot;
}
