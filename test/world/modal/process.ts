/** The stand-in's own process: it outlives a service that is killed, and ends with the test that opened it. */
import { rmSync } from "node:fs";
import { createServer } from "nice-grpc";
import { openAccount, type Account, type Options } from "./account.ts";
import { appCalls } from "./apps.ts";
import { openCapacity } from "./capacity.ts";
import { openClock } from "./clock.ts";
import { openControl } from "./control.ts";
import { openFaults } from "./faults.ts";
import { gate } from "./gate.ts";
import { imageCalls } from "./images.ts";
import { logCalls } from "./logs.ts";
import { watchMemory } from "./memory.ts";
import { routerCalls } from "./router.ts";
import { commit } from "./sandbox.ts";
import { sandboxCalls } from "./sandbox-calls.ts";
import { secretCalls } from "./secrets.ts";
import { sessionCalls } from "./session.ts";
import { volumeCalls } from "./volumes.ts";
import { only, wire, type Handlers } from "./wire.ts";

/** From the test. */
export interface Order {
  readonly id: number;
  readonly method: string;
  readonly args: readonly unknown[];
}

/** To the test; the first has the id 0 and says the address. */
export type Answer = { readonly id: number; readonly value: unknown } | { readonly id: number; readonly error: string };

async function serve(account: Account): Promise<string> {
  const server = createServer().use(gate(account));
  const plane: Handlers = {
    ...sessionCalls(account),
    ...appCalls(account),
    ...secretCalls(account),
    ...volumeCalls(account),
    ...imageCalls(account),
    ...sandboxCalls(account),
    ...logCalls(account),
  };
  const router = routerCalls(account);
  // What the calls take and give is checked where they are written; the definitions come without types.
  server.add(only(wire.ModalClientDefinition, Object.keys(plane)) as never, plane as never);
  server.add(only(wire.TaskCommandRouterDefinition, Object.keys(router)) as never, router as never);
  return `127.0.0.1:${await server.listen("127.0.0.1:0")}`;
}

async function main(options: Options): Promise<void> {
  const account = openAccount(options, { clock: openClock(), faults: openFaults(), capacity: openCapacity() });
  const control = openControl(account);
  const methods: Readonly<Record<string, unknown>> = control;
  account.address = await serve(account);
  watchMemory(account);
  // modal.md §3: "Background commit is always on". How often is not documented.
  setInterval(() => {
    for (const sandbox of account.sandboxes.values()) if (sandbox.state === "running") commit(sandbox);
  }, options.commitMs).unref();

  const say = (answer: Answer): void => void process.send?.(answer);
  process.on("message", ({ id, method, args }: Order) => {
    const called = methods[method];
    if (typeof called !== "function") return say({ id, error: `The stand-in for Modal has no ${method}` });
    const carryOut = async (): Promise<unknown> => (called as (...args: readonly unknown[]) => unknown)(...args);
    carryOut().then(
      (value) => say({ id, value }),
      (error: unknown) => say({ id, error: String(error) }),
    );
  });
  process.on("disconnect", () => {
    void control.endAll().finally(() => {
      rmSync(options.directory, { recursive: true, force: true });
      process.exit();
    });
  });
  say({ id: 0, value: account.address });
}

await main(JSON.parse(process.argv[2] ?? "") as Options);
