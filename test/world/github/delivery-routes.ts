/** The deliveries of the App's own hook over REST: what failed, and asking for it again. */
import { Hono } from "hono";
import { needApp } from "./access.ts";
import { json, notFound, numberPart, type Api, type Context } from "./answer.ts";
import type { Attempt } from "./deliveries.ts";
import { limits } from "./limits.ts";
import { iso, type World } from "./world.ts";

const attemptShape = ({ id, delivery, at, status }: Attempt) => ({
  id,
  guid: delivery.guid,
  delivered_at: iso(at),
  redelivery: delivery.isRedelivery,
  duration: 0.1,
  status: status === 0 ? "failed to connect to host" : status < 400 ? "OK" : "Invalid HTTP Response",
  status_code: status,
  event: delivery.event,
  action: delivery.action ?? null,
  installation_id: delivery.installationId ?? null,
  repository_id: delivery.repositoryId ?? null,
});

/** Newest first, of the last three days, only of the App's own hook. */
const keptAttempts = (world: World): Attempt[] =>
  world.deliveries
    .attempts()
    .filter(({ at, delivery }) => delivery.hook === "app" && at > world.now() - limits.deliveriesKeptMs)
    .toReversed();

function listDeliveries(world: World, context: Context): Response {
  needApp(context);
  const cursor = Number(context.req.query("cursor") ?? Number.POSITIVE_INFINITY);
  const size = Math.min(Number(context.req.query("per_page") ?? 30), 100);
  const left = keptAttempts(world).filter((each) => each.id < cursor);
  const shown = left.slice(0, size);
  const last = shown.at(-1);
  const url = new URL(context.req.url);
  if (last !== undefined) url.searchParams.set("cursor", String(last.id));
  const link = `<${context.env.origin}${url.pathname}${url.search}>; rel="next"`;
  return json(shown.map(attemptShape), 200, left.length > size ? { link } : {});
}

function attempt(world: World, context: Context): Attempt {
  needApp(context);
  const found = keptAttempts(world).find((each) => each.id === numberPart(context, "id"));
  if (found === undefined) throw notFound();
  return found;
}

export function deliveryRoutes(world: World): Api {
  const routes: Api = new Hono();
  routes.get("/app/hook/config", (c) => {
    needApp(c);
    return json({ content_type: "json", insecure_ssl: "0", secret: "********", url: world.hook.url });
  });
  routes.get("/app/hook/deliveries", (c) => listDeliveries(world, c));
  routes.get("/app/hook/deliveries/:id", (c) => {
    const found = attempt(world, c);
    const request = {
      headers: { "X-GitHub-Event": found.delivery.event },
      payload: JSON.parse(found.delivery.payload),
    };
    return json({ ...attemptShape(found), request, response: { headers: {}, payload: found.answer } });
  });
  routes.post("/app/hook/deliveries/:id/attempts", (c) => {
    world.deliveries.repeat(attempt(world, c).delivery);
    return json({}, 202);
  });
  return routes;
}
