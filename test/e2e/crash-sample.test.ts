/** A few points of the crash sweep (`npm run proof -- crash` has all), the same ones every time. */
import { expect, test } from "vitest";
import { pointsOf } from "../proof/crash-count.ts";
import { agent, cancelled } from "../proof/crash-kinds.ts";
import { live, type Point } from "../proof/crash-life.ts";
import { sampleOf, seed } from "../proof/crash-seed.ts";
import { needs } from "../world/needs.ts";
import { needsClaude } from "./service.ts";

const ready = needs("git") && needs("bwrap");
const kinds = [cancelled, ...(ready && needsClaude() ? [agent] : [])];

test.skipIf(!ready).concurrent.for(kinds)(
  "a service that is killed in the life of one task comes to the same end ($name)",
  { timeout: 120_000 },
  async (kind, { onTestFinished }) => {
    // Of the later writes and kills some lives have one more or less, and here every kill has to happen.
    const all = await pointsOf(kind);
    const sure = all.filter(({ id }, index) => id.startsWith("github:") || index < all.length / 2);
    const points = sure.flatMap(({ id }): Point[] => [`${id}:before`, `${id}:after`]);
    const [point] = sampleOf(points, 1, `${seed} ${kind.name}`);
    if (point === undefined) throw new Error("The life has no points.");
    const { isReached } = await live(onTestFinished, kind, point);
    expect(isReached, `the service was killed at ${point}`).toBe(true);
  },
);
