/** The one door: sorts requests into API, GraphQL, git and pages, and does what holds for every call. */
import { createHash } from "node:crypto";
import { Hono } from "hono";
import { authenticate } from "./access.ts";
import { actionRoutes } from "./action-routes.ts";
import { ApiError, json, refused, type Api } from "./answer.ts";
import { appRoutes } from "./app-routes.ts";
import { checkRoutes } from "./check-routes.ts";
import { deliveryRoutes } from "./delivery-routes.ts";
import { Dropped } from "./faults.ts";
import { gitDataRoutes } from "./git-data-routes.ts";
import { gitDoor } from "./git-door.ts";
import { answerGraphql } from "./graphql.ts";
import { issueEventRoutes } from "./issue-events.ts";
import { issueRoutes } from "./issue-routes.ts";
import { pullRoutes } from "./pull-routes.ts";
import { openRateLimits, type RateLimits } from "./rate-limits.ts";
import { repositoryRoutes } from "./repository-routes.ts";
import { fullName, type Caller } from "./state.ts";
import type { LoggedRequest, World } from "./world.ts";

type Place = { readonly kind: "api" | "git" | "page"; readonly path: string; readonly root: string };

/** The API is below `/api/v3`, or at the root of a host called `api.…`; GraphQL beside it. */
function placeOf(url: URL): Place {
  const { pathname, hostname } = url;
  if (pathname === "/api/graphql") return { kind: "api", path: "/graphql", root: "/api" };
  if (pathname.startsWith("/api/v3/")) return { kind: "api", path: pathname.slice("/api/v3".length), root: "/api/v3" };
  if (hostname.startsWith("api.")) return { kind: "api", path: pathname, root: "" };
  if (/^\/[^/]+\/[^/]+\.git\//.test(pathname)) return { kind: "git", path: pathname, root: "" };
  return { kind: "page", path: pathname, root: "" };
}

function allRoutes(world: World): Api {
  const api: Api = new Hono();
  for (const routes of [
    appRoutes,
    deliveryRoutes,
    issueEventRoutes,
    issueRoutes,
    pullRoutes,
    checkRoutes,
    gitDataRoutes,
    actionRoutes,
    repositoryRoutes,
  ])
    api.route("/", routes(world));
  api.post("/graphql", (c) => answerGraphql(world, c));
  api.notFound((c) => {
    world.unknownRequests.push(`${c.req.method} ${c.req.path}`);
    return json({ message: "Not Found", documentation_url: "https://docs.github.com/rest" }, 404);
  });
  api.onError((error) => {
    if (error instanceof ApiError) return refused(error);
    throw error;
  });
  return api;
}

/** GET answers carry an ETag; asking again with it costs nothing of the hourly limit and answers 304. */
async function conditional(request: Request, response: Response): Promise<Response> {
  if (request.method !== "GET" || response.status !== 200) return response;
  const body = await response.arrayBuffer();
  const etag = `W/"${createHash("sha256").update(new Uint8Array(body)).digest("hex")}"`;
  const headers = new Headers(response.headers);
  headers.set("etag", etag);
  const isSame = request.headers.get("if-none-match") === etag;
  return isSame ? new Response(null, { status: 304, headers }) : new Response(body, { status: 200, headers });
}

/** `/repositories/{id}/…` is the same as the repository's present name. */
function byName(world: World, path: string): string {
  const [, id, rest = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const repository = id === undefined ? undefined : world.repositories.get(Number(id));
  return repository === undefined ? path : `/repos/${fullName(repository)}${rest}`;
}

type Answered = { readonly response: Response; readonly caller: Caller };

async function answer(world: World, api: Api, rates: RateLimits, request: Request, place: Place): Promise<Answered> {
  let caller: Caller = { kind: "anonymous" };
  try {
    caller = authenticate(world, request.headers.get("authorization"));
    if (place.kind === "git") return { caller, response: await gitDoor(world, caller, request) };
    const path = byName(world, place.path);
    rates.check(caller, request.method, path);
    const url = new URL(request.url);
    const inner = new Request(new URL(path + url.search, url), request);
    const response = await api.fetch(inner, { caller, origin: `${url.origin}${place.root}` });
    const final = await conditional(request, response);
    if (final.status !== 304) rates.count(caller, request.method, path);
    return { caller, response: final };
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    // git's client wants to be asked for another password, not told in JSON.
    const headers = place.kind === "git" && error.status === 401 ? { "www-authenticate": 'Basic realm="GitHub"' } : {};
    return {
      caller,
      response: refused(new ApiError(error.status, error.message, error.more, { ...error.headers, ...headers })),
    };
  }
}

/** Who a request says it comes from, for the log of requests that were answered by a fault. */
function claimedCaller(world: World, request: Request): Caller {
  try {
    return authenticate(world, request.headers.get("authorization"));
  } catch (error) {
    if (error instanceof ApiError) return { kind: "anonymous" };
    throw error;
  }
}

const isAboutTokens = (path: string): boolean => /\/access_tokens$|^\/installation\/token$/.test(path);

/** Everything that the stand-in answers but its pages. Rejects with `Dropped` where a fault breaks the connection. */
export function openApi(
  world: World,
  pages: (request: Request) => Promise<Response>,
): (request: Request) => Promise<Response> {
  const handle = openDoor(world);
  return async (request) => {
    const url = new URL(request.url);
    const place = placeOf(url);
    if (place.kind === "page") return pages(request);
    if (world.recording === undefined || place.kind === "git") return (await handle(request, url, place)).response;
    return world.recording.exchange(request, place.path + url.search, (heard) => handle(heard, url, place));
  };
}

type Handled = { readonly response: Response; readonly isFault: boolean };

function openDoor(world: World): (request: Request, url: URL, place: Place) => Promise<Handled> {
  const api = allRoutes(world);
  const rates = openRateLimits(world);
  return async (request, url, place) => {
    const log = (status: number, caller: Caller): LoggedRequest => {
      const isPush = place.path.endsWith("/git-receive-pack");
      const isChange =
        place.kind === "git" ? isPush : !["GET", "HEAD"].includes(request.method) && !isAboutTokens(place.path);
      const logged = {
        at: world.now(),
        method: request.method,
        path: place.path,
        query: url.search,
        by: caller.kind === "token" ? ("installation" as const) : caller.kind,
        installation: caller.kind === "token" ? caller.token.installation.id : undefined,
        isWrite: isChange,
        status,
      };
      world.requests.push(logged);
      return logged;
    };
    const fault = world.faults.take(request.method, place.path);
    if (fault === "lost-request") throw new Dropped();
    if (typeof fault === "object") {
      log(fault.status, claimedCaller(world, request));
      const { "content-type": type = "application/json; charset=utf-8", ...headers } = fault.headers ?? {};
      const date = new Date(world.now()).toUTCString();
      const headersSent = { "content-type": type, date, ...headers };
      const response = new Response(JSON.stringify(fault.body ?? {}), { status: fault.status, headers: headersSent });
      return { response, isFault: true };
    }
    const { response, caller } = await answer(world, api, rates, request, place);
    const { status } = log(response.status, caller);
    if (fault === "lost-reply") throw new Dropped();
    const headers = new Headers(response.headers);
    // Octokit corrects its clock by this header when a JWT is refused.
    headers.set("date", new Date(world.now()).toUTCString());
    headers.set("x-github-request-id", world.digits(`request ${world.requests.length}`, 20).toUpperCase());
    headers.set("x-github-enterprise-version", "3.18.0");
    for (const [name, value] of Object.entries(place.kind === "api" ? rates.headers(caller) : {}))
      if (!headers.has(name)) headers.set(name, value);
    return { response: new Response(response.body, { status, headers }), isFault: false };
  };
}
