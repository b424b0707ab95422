/** Looks into a service's store from beside it, as a terminal does. */
import { Instant } from "../../src/core/instant.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { readDue } from "../../src/records/due.ts";
import { listEvents } from "../../src/records/events.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { readView } from "../../src/records/read-view.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

export type NumberedEvent = Awaited<ReturnType<typeof listEvents>>[number];

export function openReader(path: string) {
  let opened: Store | undefined;
  const now = (): Instant => Instant.parse(Date.now());
  // A service makes the file, so it is opened by whoever asks first.
  const store = (): Store => (opened ??= openSqliteStore({ path, pollMs: 0 }));
  return {
    /** The newest task. Throws where there is none. */
    async view(): Promise<TaskView> {
      const [task] = await listTasks(store(), now(), { which: "all", limit: 1 });
      if (task === undefined) throw new Error("There is no task.");
      return readView(store(), now(), task);
    },
    /** All of the newest task, oldest first. */
    async events(): Promise<NumberedEvent[]> {
      const [task] = await listTasks(store(), now(), { which: "all", limit: 1 });
      if (task === undefined) return [];
      return (await listEvents(store(), now(), { task: task.id, level: "debug", limit: 10_000 })).toReversed();
    },
    /** Ids of all tasks. */
    tasks: async (): Promise<string[]> =>
      (await listTasks(store(), now(), { which: "all", limit: 100 })).map(({ id }) => id),
    /** The engine has come to rest: neither now nor later is there something to do. */
    async nothingIsDue(): Promise<boolean> {
      const due = await readDue(store(), now(), { limit: 1, maxSandboxes: 1 });
      return due.tasks.length + due.reports.length + due.requests.length === 0 && due.nextAt === undefined;
    },
    close: async (): Promise<void> => opened?.close(),
  };
}
