/** `parhelia doctor` on this machine: every part is looked at, whichever of them is broken. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { Instant } from "../../src/core/instant.ts";
import { lookAtAll } from "../../src/operator/doctor.ts";
import { halt } from "../../src/records/halt.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";

function folder(): string {
  const root = mkdtempSync(join(tmpdir(), "parhelia-doctor-"));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, ".parhelia"));
  return root;
}

const env = { PARHELIA_SANDBOX_ISOLATION: "none", PARHELIA_AGENT_API_URL: "http://127.0.0.1:9" };

const found = async (root: string, changes: Record<string, string> = {}) =>
  new Map((await lookAtAll(readConfig(root, { ...env, ...changes }))).map((check) => [check.name, check]));

test("without an App and a key, each is told with what is missing, and the rest is looked at", async () => {
  const seen = await found(folder());
  expect(seen.get("app")).toMatchObject({
    outcome: "failed",
    found: "The service needs a GitHub App. Missing:",
    cure: expect.stringContaining("github.app_id"),
  });
  expect(seen.get("local: anthropic_key_set")).toMatchObject({ outcome: "failed" });
  expect(seen.get("store")).toMatchObject({ outcome: "warning", found: expect.stringContaining("is not there yet") });
  for (const name of ["configuration", "node", "git", "disk"])
    expect(seen.get(name), name).toMatchObject({ outcome: "ok" });
});

test("a store that is halted, one that cannot be read, and settings that contradict each other", async () => {
  const root = folder();
  const store = openSqliteStore({ path: join(root, ".parhelia", "orchestrator.db") });
  await halt(store, { by: "dana", because: "the bill is odd", now: Instant.parse(Date.now()), op: "halt" });
  await store.close();
  expect((await found(root)).get("store")).toMatchObject({
    outcome: "warning",
    found: "nothing new starts: the bill is odd",
    cure: "When it may go on: parhelia halt --off",
  });
  const broken = join(root, "broken.db");
  writeFileSync(broken, "this is no database".repeat(100));
  expect((await found(root, { PARHELIA_STORE_PATH: broken })).get("store")).toMatchObject({ outcome: "failed" });
  const both = { PARHELIA_STORE_URL: "https://redis.example.org", PARHELIA_STORE_PATH: broken };
  expect((await found(root, both)).get("store")).toMatchObject({
    outcome: "failed",
    found: "store.path and store.url: the state is in a file or in Redis. Remove one.",
  });
});
