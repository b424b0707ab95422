/**
 * Runs in front of a replica: on SIGUSR2 it collects all garbage and says on stdout what is left. The resident memory says
 * less, as V8 gives back late what it no longer needs.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

setFlagsFromString("--expose-gc");
const collect: unknown = runInNewContext("gc");

process.on("SIGUSR2", () => {
  if (typeof collect !== "function") throw new Error("V8 gave no way to collect garbage");
  collect();
  const { heapUsed, external } = process.memoryUsage();
  process.stdout.write(`${JSON.stringify({ msg: "held", mebibytes: (heapUsed + external) / 2 ** 20 })}\n`);
});
