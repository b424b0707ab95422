/** The service dies at every durable write, every write to GitHub and every sandbox call of a task's life, before and after. */
import { afterAll, describe, expect, test } from "vitest";
import { live, stories } from "../world/lives.ts";

const figures: string[] = [];
afterAll(() => console.log(`crash: ${figures.join("; ")}`));

describe.concurrent("the end is the same, whenever the service dies", () => {
  test.each(Object.entries(stories))("%s", async (name, story) => {
    const { calls } = await live(story);
    const wrong: string[] = [];
    let runs = 0;
    for (const [index, call] of calls.entries()) {
      for (const when of ["before", "after"] as const) {
        runs += 1;
        const moment = { nth: index + 1, when };
        await live(story, moment).then(
          ({ died }) => died || wrong.push(`${when} call ${moment.nth} (${call}): it was never made`),
          (error: unknown) => wrong.push(`${when} call ${moment.nth} (${call}): ${String(error)}`),
        );
      }
    }
    figures.push(`${name} ${calls.length} calls, ${runs} deaths, ${wrong.length} other ends`);
    expect(wrong).toEqual([]);
  });
});
