/** The service dies at a few calls drawn by a fixed seed, before and after they are carried out. `npm run proof -- crash` takes all. */
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { live, stories } from "../world/lives.ts";

const seed = 20_261_125;

test.each(Object.entries(stories))("a task ends the same whenever the service dies: %s", async (_, story) => {
  const { calls } = await live(story);
  expect(calls.length).toBeGreaterThan(15);
  const moments = fc.sample(
    fc.record({
      nth: fc.integer({ min: 1, max: calls.length }),
      when: fc.constantFrom("before" as const, "after" as const),
    }),
    { numRuns: 2, seed },
  );
  for (const moment of moments)
    expect(await live(story, { death: moment }), JSON.stringify(moment)).toMatchObject({ died: true });
});
