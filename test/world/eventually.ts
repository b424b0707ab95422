/** For what real processes do in their own time. Tests of our own loops step them instead. */
import { setTimeout as pause } from "node:timers/promises";

/** Between two looks: what is waited for needs the processor, too. */
const apartMs = 5;

/** Resolves to the first result of `check` that is neither false nor undefined; throws after `withinMs` without one. */
export async function eventually<Result>(
  check: () => Result | Promise<Result>,
  { withinMs }: { withinMs: number },
): Promise<Exclude<Result, false | undefined>> {
  const start = performance.now();
  const isThere = (result: Result): result is Exclude<Result, false | undefined> =>
    result !== false && result !== undefined;
  for (;;) {
    const result = await check();
    if (isThere(result)) return result;
    if (performance.now() - start > withinMs)
      throw new Error(`It did not come true within ${withinMs} ms: ${String(check)}`);
    await pause(apartMs);
  }
}
