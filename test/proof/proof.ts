/**
 * `npm run proof` takes what is too long for `npm test`: all of it, or what bears one of the given names (`crash`, `chaos`).
 * `--seed N` is for those that draw by chance.
 */
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values, positionals } = parseArgs({ options: { seed: { type: "string" } }, allowPositionals: true });
if (values.seed !== undefined && !/^\d{1,9}$/.test(values.seed)) {
  console.error(`--seed ${values.seed}: a whole number is needed, as in npm run proof -- chaos --seed 7`);
  process.exit(2);
}
const root = join(import.meta.dirname, "..", "..");
const env = { ...process.env, ...(values.seed === undefined ? {} : { PARHELIA_SEED: values.seed }) };
const vitest = join(root, "node_modules", "vitest", "vitest.mjs");
// One file after the other: each fills the machine by itself, and some wait for what a busy one does late.
const how = ["--no-file-parallelism", "--reporter=verbose"];
const ran = spawnSync(process.execPath, [vitest, "run", "--project", "proof", ...how, ...positionals], {
  cwd: root,
  env,
  stdio: "inherit",
});
process.exitCode = ran.status ?? 1;
