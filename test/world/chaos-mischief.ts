/** All that may go wrong, drawn one after the other from a seed. */
import { hourMs, minuteMs } from "../../src/core/instant.ts";
import { badGateway, primaryLimit, secondaryLimit, type FaultAnswer } from "./github/faults.ts";
import type { Moment } from "./life.ts";
import type { World } from "./world.ts";

/** Draws numbers below `below`. */
type Draw = (below: number) => number;

export function drawFrom(seed: number): Draw {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

export interface Mischief {
  readonly draw: Draw;
  readonly faults: Record<string, number>;
  count(name: string): void;
  round(): Promise<void>;
  nextDeath(): Moment | undefined;
}

export interface Mishap {
  readonly name: string;
  happen(): Promise<void>;
}

export function openMischief(w: World, draw: Draw, also: readonly Mishap[]): Mischief {
  const faults: Record<string, number> = {};
  const lostOnce = new Set<string>();
  let deaths = 0;
  const count = (name: string): void => void (faults[name] = (faults[name] ?? 0) + 1);
  const answers: readonly (readonly [string, () => FaultAnswer])[] = [
    ["server error", () => badGateway],
    ["lost request", () => "lost-request"],
    ["lost reply", () => "lost-reply"],
    ["secondary limit", () => secondaryLimit()],
    ["secondary limit with Retry-After", () => secondaryLimit(30)],
    ["primary limit", () => primaryLimit(w.now() + 2 * minuteMs)],
  ];
  const acts: readonly (() => void | Promise<void>)[] = [
    () => {
      const [name, answer] = answers[draw(answers.length)] ?? ["server error", () => badGateway];
      w.github.faults.next({ path: /./, ...(draw(2) === 0 ? { method: "POST" } : {}) }, answer());
      count(name);
    },
    () => {
      const call = (["create", "list", "end"] as const)[draw(3)] ?? "create";
      w.sandboxes.fail(call, 1);
      count(`backend ${call}`);
    },
    () => {
      const name = w.sandboxes.living().find((each) => !lostOnce.has(each.replace(/-\d+$/, "")));
      if (name === undefined) return;
      lostOnce.add(name.replace(/-\d+$/, ""));
      w.sandboxes.lose(name);
      count("sandbox lost");
    },
    () => {
      const ms = draw(2) === 0 ? hourMs : -minuteMs;
      if (draw(4) !== 0) return;
      w.jump(ms);
      count(ms > 0 ? "clock forward" : "clock back");
    },
    () => {
      if (draw(3) === 0 && !w.life.isOver) {
        w.lives[draw(w.lives.length)]?.end();
        count("restart");
      }
    },
    ...also.map(({ name, happen }) => () => {
      if (draw(3) !== 0) return undefined;
      count(name);
      return happen();
    }),
  ];
  return {
    draw,
    faults,
    count,
    async round() {
      for (let act = 0; act < 2; act += 1) await acts[draw(acts.length)]?.();
    },
    nextDeath() {
      deaths += 1;
      if (deaths > 12) return undefined;
      count("death at a call");
      return { nth: 5 + draw(120), when: draw(2) === 0 ? "before" : "after" };
    },
  };
}
