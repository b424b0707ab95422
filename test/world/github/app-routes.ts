/** What the App asks about itself and about accounts: installations, tokens, the manifest flow. */
import { Hono } from "hono";
import { z } from "zod";
import { needApp, needToken, suspended } from "./access.ts";
import { announceInstallation } from "./announce.ts";
import {
  ApiError,
  json,
  malformed,
  notFound,
  nothing,
  numberPart,
  paged,
  part,
  readBody,
  type Api,
  type Context,
} from "./answer.ts";
import { limits } from "./limits.ts";
import { appShape, installationShape, profileShape, repositoryShape } from "./shapes.ts";
import type { Installation, Level, Permissions, Repository, Token } from "./state.ts";
import { covers, findRepository, installationOf, iso, type World } from "./world.ts";

const TokenRequest = z.object({
  repositories: z.array(z.string()).max(limits.tokenRepositories).optional(),
  repository_ids: z.array(z.int()).max(limits.tokenRepositories).optional(),
  permissions: z.record(z.string(), z.enum(["read", "write"])).optional(),
});

/** The installation that the route names. Throws 404. */
function installation(world: World, context: Context): Installation {
  needApp(context);
  const found = world.installations.get(numberPart(context, "id"));
  if (found === undefined) throw notFound();
  return found;
}

const covered = (
  world: World,
  of: { account: Installation["account"]; repositories: "all" | ReadonlySet<number> },
): Repository[] => [...world.repositories.values()].filter((each) => covers(of, each));

function narrowed(world: World, of: Installation, asked: z.output<typeof TokenRequest>): Token["repositories"] {
  if (asked.repositories === undefined && asked.repository_ids === undefined) return of.repositories;
  if (asked.repositories !== undefined && asked.repository_ids !== undefined)
    throw malformed("Only one of repositories and repository_ids may be given.");
  const all = covered(world, of);
  const wanted = asked.repository_ids ?? asked.repositories ?? [];
  const found = wanted.map((one) =>
    all.find((each) => (typeof one === "number" ? each.id === one : each.name === one)),
  );
  const ids = found.flatMap((each) => (each === undefined ? [] : [each.id]));
  if (ids.length < wanted.length)
    throw new ApiError(
      422,
      "There is at least one repository that does not exist or is not accessible to the parent installation.",
    );
  return new Set(ids);
}

function allowed(of: Installation, asked: Readonly<Record<string, Level>> | undefined): Permissions {
  if (asked === undefined) return of.permissions;
  const tooMuch = Object.entries(asked).some(([name, level]) => {
    const held = of.permissions[name];
    return held === undefined || (level === "write" && held === "read");
  });
  if (tooMuch) throw new ApiError(422, "The permissions requested are not granted to this installation.");
  // Every token may read metadata, asked for or not.
  return { metadata: "read", ...asked };
}

/** The new form of 2026: `ghs_<app>_<jwt>`, about 520 characters. */
function newTokenText(world: World): string {
  const n = world.nextId("token");
  const piece = (label: string, length: number): string => world.digits(`token ${label} ${n}`, length);
  return `ghs_${world.app.id}_${piece("head", 40)}.${piece("body", 380)}.${piece("signature", 86)}`;
}

async function mint(world: World, context: Context): Promise<Response> {
  const from = installation(world, context);
  const asked = await readBody(context, TokenRequest);
  if (from.suspendedAt !== undefined) throw suspended();
  const token: Token = {
    text: newTokenText(world),
    installation: from,
    repositories: narrowed(world, from, asked),
    permissions: allowed(from, asked.permissions),
    createdAt: world.now(),
    expiresAt: world.now() + limits.tokenLifeMs,
  };
  world.tokens.set(token.text, token);
  const selection =
    token.repositories === "all" ? [] : covered(world, { account: from.account, repositories: token.repositories });
  return json(
    {
      token: token.text,
      expires_at: iso(token.expiresAt),
      permissions: token.permissions,
      repository_selection: token.repositories === "all" ? "all" : "selected",
      ...(token.repositories !== "all" && { repositories: selection.map((each) => repositoryShape(world, each)) }),
    },
    201,
  );
}

function convertManifest(world: World, code: string): Response {
  // Each code is good once.
  if (!world.manifestCodes.delete(code)) throw notFound();
  const { app } = world;
  const secrets = { client_secret: world.digits("client secret", 40), webhook_secret: world.hook.secret };
  return json({ ...appShape(world, app), ...secrets, pem: world.privateKeyPem }, 201);
}

export function appRoutes(world: World): Api {
  const routes: Api = new Hono();
  const shown = (found: Installation | undefined): Response => {
    if (found === undefined) throw notFound();
    return json(installationShape(world, found));
  };
  const suspend = (context: Context, at: number | undefined): Response => {
    const found = installation(world, context);
    found.suspendedAt = at;
    announceInstallation(world, found, at === undefined ? "unsuspend" : "suspend", found.account);
    return nothing();
  };
  const ofAccount = (context: Context): Response => {
    needApp(context);
    const login = part(context, "login").toLowerCase();
    return shown([...world.installations.values()].find((each) => each.account.login.toLowerCase() === login));
  };
  routes.get("/app", (c) => {
    needApp(c);
    return json(appShape(world));
  });
  routes.get("/app/installations", (c) => {
    needApp(c);
    return paged(c, [...world.installations.values()], (each) => installationShape(world, each));
  });
  routes.get("/app/installations/:id", (c) => shown(installation(world, c)));
  routes.delete("/app/installations/:id", (c) => {
    const found = installation(world, c);
    announceInstallation(world, found, "deleted", found.account);
    world.installations.delete(found.id);
    return nothing();
  });
  routes.post("/app/installations/:id/access_tokens", (c) => mint(world, c));
  routes.put("/app/installations/:id/suspended", (c) => suspend(c, world.now()));
  routes.delete("/app/installations/:id/suspended", (c) => suspend(c, undefined));
  routes.post("/app-manifests/:code/conversions", (c) => convertManifest(world, part(c, "code")));
  routes.get("/orgs/:login/installation", ofAccount);
  routes.get("/users/:login/installation", ofAccount);
  routes.get("/repos/:owner/:repo/installation", (c) => {
    needApp(c);
    const repository = findRepository(world, `${part(c, "owner")}/${part(c, "repo")}`);
    return shown(repository && installationOf(world, repository));
  });
  ownRoutes(world, routes);
  accountRoutes(world, routes);
  routes.get("/meta", () => json({ verifiable_password_authentication: false, installed_version: "3.18.0" }));
  return routes;
}

/** What a token asks about itself. */
function ownRoutes(world: World, routes: Api): void {
  routes.get("/installation/repositories", (c) => {
    const token = needToken(c);
    const all = covered(world, token.installation).filter(
      (each) => token.repositories === "all" || token.repositories.has(each.id),
    );
    const wrap = (repositories: readonly unknown[], total_count: number) => ({ total_count, repositories });
    return paged(c, all, (each) => repositoryShape(world, each), wrap);
  });
  routes.delete("/installation/token", (c) => {
    world.tokens.delete(needToken(c).text);
    return nothing();
  });
}

function accountRoutes(world: World, routes: Api): void {
  routes.get("/users/:login", (c) => {
    const found = world.accounts.get(part(c, "login").toLowerCase());
    if (found === undefined) throw notFound();
    return json(profileShape(world, found));
  });
  routes.get("/user/:id", (c) => {
    const found = [...world.accounts.values()].find((each) => each.id === numberPart(c, "id"));
    if (found === undefined) throw notFound();
    return json(profileShape(world, found));
  });
}
