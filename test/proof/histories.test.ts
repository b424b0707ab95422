/** Histories that nobody thought of, from the seed `PARHELIA_SEED`. */
import { expect, test } from "vitest";
import { playHistories } from "../world/histories.ts";

const seed = Number(process.env["PARHELIA_SEED"] ?? 1);
const count = 150;

test("in every history: one sandbox a task, always a next look, no money lost, every end reported", async () => {
  await expect(playHistories(count, seed)).resolves.toBeUndefined();
  console.log(`histories: ${count} from seed ${seed}, none broke a rule`);
});
