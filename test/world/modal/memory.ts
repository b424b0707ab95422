/** Kills what uses more memory than its limit, as the kernel of a container does. */
import type { Account } from "./account.ts";
import { end, outOfMemory } from "./life.ts";
import { residentBytes } from "./processes.ts";

const everyMs = 100;
const mebibyte = 2 ** 20;

async function look(account: Account): Promise<void> {
  const limited = [...account.sandboxes.values()].filter(
    ({ state, ask }) => state === "running" && ask.memoryLimitMiB !== undefined,
  );
  for (const sandbox of limited) {
    const started = await sandbox.up.promise;
    const used = started === undefined ? 0 : residentBytes(started.family());
    if (started === undefined || used <= (sandbox.ask.memoryLimitMiB ?? 0) * mebibyte) continue;
    end(account, sandbox, outOfMemory);
    await started.kill();
  }
}

export function watchMemory(account: Account): void {
  setInterval(() => void look(account), everyMs).unref();
}
