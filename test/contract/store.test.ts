/** One contract, kept by every store. A new one joins with a line in the list of adapters. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe } from "vitest";
import type { Store } from "../../src/core/ports/store.ts";
import { openRedisStore } from "../../src/store/redis/open-redis.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { needs } from "../world/needs.ts";
import { openUpstash, type Upstash } from "../world/upstash/upstash.ts";
import { answersWithCommits } from "./store-answers.ts";
import { answersLikeTheModel } from "./store-against-model.ts";
import { doesEffects, judgesConditions } from "./store-commits.ts";
import { doesOperationsOnce, keepsLeases } from "./store-leases.ts";
import { closes, findsRanges, readsLogs, tellsNews, trimsLogs } from "./store-looks.ts";

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

const adapters: Adapter[] = [
  { name: "sqlite in memory", histories: 300, open: async () => openSqliteStore({ path: ":memory:" }) },
  { name: "sqlite in a file", histories: 20, open: async () => openSqliteStore({ path: join(folder, `${++files}`) }) },
];

if (needs("redis-server")) {
  let upstash: Upstash | undefined;
  beforeAll(async () => {
    upstash = await openUpstash();
  });
  afterAll(() => upstash?.close());
  let stores = 0;
  adapters.push({
    name: "upstash redis",
    histories: 60,
    async open() {
      if (upstash === undefined) throw new Error("the stand-in is not open");
      // Each store is empty under a prefix of its own.
      return openRedisStore({ url: upstash.url, token: upstash.token, replica: "me", prefix: `store-${++stores}` });
    },
  });
}

describe.each(adapters)("$name", ({ open, histories }) => {
  judgesConditions(open);
  doesEffects(open);
  answersWithCommits(open);
  keepsLeases(open);
  doesOperationsOnce(open);
  findsRanges(open);
  readsLogs(open);
  trimsLogs(open);
  tellsNews(open);
  closes(open);
  answersLikeTheModel(open, histories);
});
