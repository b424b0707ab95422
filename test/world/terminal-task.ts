/** A task that somebody asks for at a terminal: a command that does nothing, in a repository of this machine. */
import { toTask } from "../../src/commands/run.ts";
import { TaskId } from "../../src/core/ids.ts";
import type { Instant } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { createTask } from "../../src/records/create-task.ts";

/** `ref` is what it starts from, the repository's head unless given. */
export async function askAtTerminal(
  store: Store,
  ask: { readonly id: string; readonly directory: string; readonly now: Instant; readonly ref?: string },
): Promise<void> {
  const { id, directory, now, ref = null } = ask;
  const task = toTask({
    id: TaskId.parse(id),
    origin: { place: { kind: "terminal", directory }, actor: { id: 0, login: "me" } },
    spec: {
      work: { kind: "command", argv: ["true"] },
      timeoutMs: 60_000,
      budget: usd(5),
      resources: { cpu: 1, memoryMiB: 64 },
      ref,
      publish: true,
    },
    now,
  });
  await createTask(store, { task, now, op: `ask/${id}` });
}
