/** The threat model in SECURITY.md names tests; each of them has to exist. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const page = readFileSync(join(root, "SECURITY.md"), "utf8");
const named = Array.from(page.matchAll(/`(test\/[^`]+\.test\.ts)`: ([^|<]+)/g), ([, file = "", name = ""]) => ({
  file,
  name: name.trim(),
}));

test("every test that the threat model names exists", () => {
  expect(named.length).toBeGreaterThan(30);
  const missing = named.filter(({ file, name }) => {
    const path = join(root, file);
    return !existsSync(path) || !readFileSync(path, "utf8").includes(name);
  });
  expect(missing).toEqual([]);
});

test("every row has an asset, an attacker, a path, a defence and a test", () => {
  const [, table = ""] = page.split("## Threat model");
  const rows = table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| asset"));
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter((row) => row.split(" | ").length !== 5 || !row.includes("`test/"))).toEqual([]);
});
