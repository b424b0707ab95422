/** Sandboxes on this machine: jails where it has bubblewrap, plain processes where not. */
import { join } from "node:path";
import { openLocalSandboxes } from "../../../src/sandbox/local/open-local-sandboxes.ts";
import { systemClock } from "../../../src/main.ts";
import type { Backend, Site } from "./backend.ts";
import { tries } from "./programs.ts";

/** So that the reports have something to show. */
const dollarsPerHour = 0.35;

type Isolation = "bubblewrap" | "none";

const words = {
  bubblewrap: "jails of bubblewrap, without network",
  none: "NONE. The sample runs unjailed, as you: bubblewrap is missing or may not run (apt-get install bubblewrap)",
} as const;

export function localBackend({ path, root }: Site): Backend {
  const isolation = tries("bwrap", ["--unshare-all", "--ro-bind", "/", "/", "true"], path) ? "bubblewrap" : "none";
  return {
    words: words[isolation],
    env: {
      PARHELIA_SERVER_PORT: "0",
      PARHELIA_SANDBOX_ISOLATION: isolation,
      PARHELIA_SANDBOX_PRICE_PER_HOUR: String(dollarsPerHour),
    },
    microUsdPerHour: async () => dollarsPerHour * 1e6,
    checks: async () => [],
    close: () => endSandboxes(join(root, ".parhelia"), isolation),
  };
}

/** A service leaves its sandboxes alive for the next one; here there is none. */
async function endSandboxes(own: string, isolation: Isolation): Promise<void> {
  const sandboxes = await openLocalSandboxes({
    isolation,
    socketDirectory: join(own, "door"),
    stateDirectory: join(own, "sandboxes"),
    node: process.execPath,
    readOnly: [],
    slots: 2,
    clock: systemClock,
    limits: {},
  });
  for (const { name } of await sandboxes.list()) await sandboxes.end(name);
}
