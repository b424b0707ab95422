/** Two sets of tests: `test` in a few minutes before every commit, `proof` as long as it takes. */
import { defineConfig } from "vitest/config";

const endToEnd = "test/e2e/**/*.test.ts";
const proof = "test/proof/**/*.test.ts";
/** Eleven lives of a minute of CPU together; `npm test` has a sample of the same in crash-sample.test.ts. */
const long = "test/e2e/kill.test.ts";

export default defineConfig({
  test: {
    // All of them: most tests wait for processes and timers, and one core is not kept busy by one of them.
    maxWorkers: "100%",
    projects: [
      {
        test: {
          name: "test",
          include: ["test/**/*.test.ts"],
          exclude: [proof, long],
          // A loaded machine is several times as slow.
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: { name: "proof", include: [proof, endToEnd], testTimeout: 600_000, hookTimeout: 60_000 },
      },
    ],
  },
});
