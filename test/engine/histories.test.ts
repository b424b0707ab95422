/** A few histories for every run of the tests; `npm run proof -- histories` plays more. */
import { expect, test } from "vitest";
import { playHistories } from "../world/histories.ts";

test("in every history: one sandbox a task, always a next look, no money lost, every end reported", async () => {
  await expect(playHistories(6, 20_261_125)).resolves.toBeUndefined();
});
