/** Two questions that an operator's tools ask: is the process up, and can it do its work? */
import { Hono } from "hono";
import type { Clock } from "../core/ports/clock.ts";
import type { Store } from "../core/ports/store.ts";
import { listTasks } from "../records/list-tasks.ts";

export function healthRoutes({ store, clock }: { store: Store; clock: Clock }): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }))
    .get("/readyz", async (context) => {
      try {
        await listTasks(store, clock.now(), { which: "live", limit: 1 });
        return context.json({ status: "ready" });
      } catch {
        // The cause is in the log of whoever works with the store; a stranger learns that we are not ready.
        return context.json({ status: "not ready" }, 503);
      }
    });
}
