/** The service dies at every call while a workflow fails, passes and fails again: one issue, and each word of it once. */
import { expect, test } from "vitest";
import { story } from "../github/failure-story.ts";

test("whenever the service dies, before a call or after it, the issue is the same", async () => {
  const calm = await story();
  for (let nth = 1; nth <= calm.calls.length; nth += 1) {
    for (const when of ["before", "after"] as const) {
      const { seen, died } = await story({ nth, when });
      expect({ seen, died }, `${when} ${nth}: ${calm.calls[nth - 1]}`).toEqual({ seen: calm.seen, died: true });
    }
  }
  console.log(`failure crashes: ${calm.calls.length} calls, a death before and after each`);
});
