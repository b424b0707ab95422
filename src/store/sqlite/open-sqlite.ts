/**
 * The store of one machine: a file, or memory for tests. One process writes to a file at a time as a rule (the engine,
 * see engine-lock.ts); others may read and make small commits, and wait for each other in doing so.
 */
import type { Instant } from "../../core/instant.ts";
import type { Store } from "../../core/ports/store.ts";
import { inMemory, openDatabase } from "./database-file.ts";
import { groupCommits } from "./group-commit.ts";
import { look } from "./look.ts";
import { whole } from "./node-sqlite.ts";
import { plan, wholeMs } from "../plan.ts";
import { untilClosed } from "../until-closed.ts";
import { poll } from "./poll.ts";
import { prepareStatements } from "./statements.ts";
import { openWakes } from "../wake.ts";

export interface SqliteOptions {
  /** A file, made with mode 0600 where it does not exist (its folder with 0700), or `:memory:`. */
  readonly path: string;
  /** How often commits of other processes are looked for while somebody listens; 250 by default, 0 for never. */
  readonly pollMs?: number;
  /**
   * No lease that is in the file lasts longer than until then. For whoever has the engine's lock (engine-lock.ts) alone:
   * the lock proves that the holders are dead.
   */
  readonly leasesUntil?: Instant;
}

/**
 * Opens the file, after bringing an older one to the present schema. Throws an Error that names the file and the cure
 * where it belongs to a newer release or to another program.
 */
export function openSqliteStore({ path, pollMs = 250, leasesUntil }: SqliteOptions): Store {
  const db = openDatabase(path);
  const statements = prepareStatements(db);
  if (leasesUntil !== undefined) statements.shortenLeases.run(leasesUntil, leasesUntil);
  const dataVersion = (): number => whole(statements.dataVersion.get(), 0);
  // Nobody else can write to a database in memory.
  const wakes = openWakes(poll({ pollMs: path === inMemory ? 0 : pollMs, dataVersion }));
  const batches = groupCommits(statements, (topics) => wakes.tell(topics, "here"));
  return untilClosed({
    commit: async (commit, asked) => batches.add(plan(commit), asked),
    look: async (now, queries) => look(statements, wholeMs(now, "now"), queries),
    onWake: (listener) => wakes.listen(listener),
    async close() {
      batches.finish();
      wakes.close();
      db.close();
    },
  });
}
