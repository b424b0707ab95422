/** One contract, kept by every store. A new one joins with a line in the list of adapters. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe } from "vitest";
import type { Store } from "../../src/core/ports/store.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { answersLikeTheModel } from "./store-against-model.ts";
import { doesEffects, judgesConditions } from "./store-commits.ts";
import { doesOperationsOnce, keepsLeases } from "./store-leases.ts";
import { closes, findsRanges, readsLogs, tellsNews } from "./store-looks.ts";

interface Adapter {
  readonly name: string;
  /** A new and empty store. */
  readonly open: () => Promise<Store>;
  /** How many random histories are tried; fewer where each one costs real syncs of a disk. */
  readonly histories: number;
}

const folder = mkdtempSync(join(tmpdir(), "parhelia-store-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

const adapters: readonly Adapter[] = [
  { name: "sqlite in memory", histories: 300, open: async () => openSqliteStore({ path: ":memory:" }) },
  { name: "sqlite in a file", histories: 20, open: async () => openSqliteStore({ path: join(folder, `${++files}`) }) },
];

describe.each(adapters)("$name", ({ open, histories }) => {
  judgesConditions(open);
  doesEffects(open);
  keepsLeases(open);
  doesOperationsOnce(open);
  findsRanges(open);
  readsLogs(open);
  tellsNews(open);
  closes(open);
  answersLikeTheModel(open, histories);
});
