/**
 * A service in a process of its own, to be killed: opens the local backend, creates what it is given, says so and
 * stays. On SIGTERM it ends what it created.
 */
import { Instant } from "../../src/core/instant.ts";
import type { SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import { openLocalSandboxes, type LocalSandboxesOptions } from "../../src/sandbox/local/open-local-sandboxes.ts";
import { doorTo } from "./door-to.ts";

/** `post` is the socket that its sandboxes report to. */
export type ServiceOrder = { post: string; options: Omit<LocalSandboxesOptions, "clock">; specs: SandboxSpec[] };

const order: ServiceOrder = JSON.parse(process.argv[2] ?? "");
try {
  const sandboxes = await openLocalSandboxes({ ...order.options, clock: { now: () => Instant.parse(2_000_000) } });
  const door = await sandboxes.serve(doorTo(order.post));
  for (const spec of order.specs) await sandboxes.create(spec);
  console.log(JSON.stringify({ list: await sandboxes.list(), shortcomings: sandboxes.shortcomings }));
  const waiting = setInterval(() => undefined, 1000);
  process.once("SIGTERM", () => {
    clearInterval(waiting);
    void Promise.all(order.specs.map(({ name }) => sandboxes.end(name))).then(() => door.close());
  });
} catch (error) {
  console.log(JSON.stringify({ error: String(error) }));
}
