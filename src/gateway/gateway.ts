/** The one door between a sandbox and the service. */
import { Hono } from "hono";
import type { Forge } from "../core/ports/forge.ts";
import type { Redact } from "../core/redact.ts";
import { openAcquaintances } from "./acquaintances.ts";
import { door, type GatewayWorld } from "./door.ts";
import { repositoryRoutes } from "./repository-routes.ts";
import { runnerRoutes } from "./runner-routes.ts";

export interface Gateway extends GatewayWorld {
  /** Goes over all that a sandbox says, before anything is stored. */
  readonly redact: Redact;
  readonly forge: Forge;
  /** Reaches the forge. */
  readonly fetch: typeof fetch;
  /** The one file that runs in every sandbox, asked for by its hash. */
  readonly runner: { readonly code: Uint8Array<ArrayBuffer>; readonly sha256: string };
  /** Routes of the model, below the address itself as agents expect them. */
  readonly model: Hono;
}

export function gatewayRoutes(gateway: Gateway): Hono {
  const { code, sha256 } = gateway.runner;
  const world = { ...gateway, acquaintances: openAcquaintances(gateway) };
  const inside = new Hono().use(door(world)).route("/", runnerRoutes(world)).route("/", repositoryRoutes(gateway));
  return new Hono()
    .get(`/gateway/runner/${sha256}`, (context) => context.body(code, 200, { "content-type": "text/javascript" }))
    .route("/gateway", inside)
    .route("/", gateway.model);
}
