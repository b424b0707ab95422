/** Counts the points of a task's life by living it once undisturbed. */
import { live } from "./crash-life.ts";
import type { Kind } from "./crash-kinds.ts";

export interface NumberedPoint {
  /** `store:3`, the third of its kind. */
  readonly id: `${string}:${number}`;
  /** What is written or called: `attempt due task`, `POST /api/v3/…`. */
  readonly what: string;
}

/** In the order of the life. */
export async function pointsOf(kind: Kind): Promise<NumberedPoint[]> {
  const closes: (() => Promise<void>)[] = [];
  try {
    const { points } = await live((close) => closes.push(close), kind);
    return points.map((line) => {
      const [name = "", nth = "", what = ""] = /^(\w+):(\d+) (.*)$/.exec(line)?.slice(1) ?? [];
      return { id: `${name}:${Number(nth)}`, what };
    });
  } finally {
    for (const close of closes) await close();
  }
}
