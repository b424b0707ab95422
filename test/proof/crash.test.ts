/**
 * The service is killed before and after every durable write, call and start or end of a sandbox in a task's life, and
 * started again; the end is always the same. The points come from a life without a kill: nobody has to list them.
 */
import { afterAll, describe, expect, test } from "vitest";
import { needsClaude } from "../e2e/service.ts";
import { needs } from "../world/needs.ts";
import { agent, cancelled, command, failing, type Kind } from "./crash-kinds.ts";
import { live, type Point } from "./crash-life.ts";
import { pointsOf } from "./crash-count.ts";

const startedAt = performance.now();
const ready = needs("git") && needs("bwrap");
const kinds: readonly Kind[] = ready ? [command, ...(needsClaude() ? [agent] : []), cancelled, failing] : [];

/** Every n-th kill alone, for a quick look. */
const every = Number(process.env["PARHELIA_CRASH_EVERY"] ?? 1);

const counted = await Promise.all(kinds.map(async (kind) => ({ kind, points: await pointsOf(kind) })));
const runs = counted
  .flatMap(({ kind, points }) =>
    points.flatMap((point): [name: string, at: Point, what: string, kind: Kind][] => [
      [kind.name, `${point.id}:before`, point.what, kind],
      [kind.name, `${point.id}:after`, point.what, kind],
    ]),
  )
  .filter((_, index) => index % every === 0);
let reached = 0;
let done = 0;

describe.concurrent("killed and started again, the end is the same", { timeout: 180_000 }, () => {
  test.skipIf(!ready).for(runs)("%s, %s (%s)", async ([, at, , kind], { onTestFinished }) => {
    const { isReached, points } = await live(onTestFinished, kind, at);
    const id = at.replace(/:\w+$/, " ");
    expect(
      points.some((point) => point.startsWith(id)),
      "killed where it passed",
    ).toBe(isReached);
    done += 1;
    if (isReached) reached += 1;
  });
});

/** A point that only some lives have, as a renewed lease, is passed by in others. */
test.skipIf(!ready)("nearly all of the kills happened", () => {
  expect(done).toBeGreaterThan(0);
  expect(reached).toBeGreaterThan(done * 0.9);
});

afterAll(() => {
  const perKind = counted.map(({ kind, points }) => `${kind.name} ${points.length}`).join(", ");
  const wallS = Math.round((performance.now() - startedAt) / 1000);
  console.log(`crash: points ${perKind}; runs ${done} of ${runs.length}, killed ${reached}; ${wallS} s`);
});
