/** What people, agents, the model, the backend, the clock and a service that dies may do about money, drawn by chance. */
import * as fc from "fast-check";
import { hourMs, minuteMs, secondMs } from "../../src/core/instant.ts";
import type { Letting } from "./held-model.ts";
import type { Moment } from "./life.ts";
import type { Ending } from "./sandboxes.ts";

export type Act =
  | { readonly do: "ask"; readonly who: number; readonly where: number; readonly words: string }
  | {
      readonly do: "call";
      readonly whose: number;
      readonly times: number;
      readonly maxTokens: number;
      readonly bytes: number;
      readonly stream: boolean;
    }
  | { readonly do: "answer"; readonly which: number; readonly how: Letting }
  | { readonly do: "speak" | "refuse-next" | "reconcile" | "die" | "deliver-again" }
  | { readonly do: "die-at"; readonly death: Moment; readonly awayMs: number }
  | { readonly do: "wait" | "jump"; readonly ms: number }
  | { readonly do: "lose"; readonly whose: number }
  | { readonly do: "end"; readonly whose: number; readonly ending: Ending }
  | { readonly do: "backend-fails"; readonly call: "create" | "list" | "find" | "end" }
  | { readonly do: "commit-again"; readonly which: number };

const opus = "--model claude-opus-5-5";
const words = [
  "run fix it",
  `run ${opus} --timeout 20m fix it`,
  `run ${opus} --timeout 20m fix it`,
  `run ${opus} --budget $0.60 --timeout 10m fix it`,
  `run ${opus} --budget $0.15 --timeout 10m fix it`,
  "run --timeout 30m -- make",
  "run --budget $0.01 fix it",
  "cancel",
  "retry",
  "retry --budget $0.50",
];
const endings: Ending[] = [
  { files: { "a.txt": "a\n" } },
  {},
  { exitCode: 1 },
  { ended: "timed-out" },
  {
    exitCode: 1,
    agent: { isError: true, apiErrorStatus: 402, text: "Half of it is done." },
    files: { "h.txt": "h\n" },
  },
];
/** How long it takes until the next service starts. */
const awayMs = [0, 0, 0, minuteMs, 20 * minuteMs, 11 * hourMs];
const any = fc.nat({ max: 20 });
const doing = <const D extends Act["do"]>(...all: D[]) => fc.constantFrom(...all);

/** Without `mishaps` nothing dies, is lost or breaks off, and no clock is set. */
export function anyAct(how: "calm" | "mishaps"): fc.Arbitrary<Act> {
  const letting: Letting[] = how === "calm" ? ["whole"] : ["whole", "whole", "whole", "cut", "lost"];
  const moment = fc.record({ nth: fc.integer({ min: 1, max: 25 }), when: fc.constantFrom("before" as const, "after") });
  const calm: fc.WeightedArbitrary<Act>[] = [
    { weight: 7, arbitrary: fc.record({ do: doing("ask"), who: any, where: any, words: fc.constantFrom(...words) }) },
    {
      weight: 9,
      arbitrary: fc.record({
        do: doing("call"),
        whose: any,
        times: fc.constantFrom(1, 1, 1, 2, 3),
        maxTokens: fc.constantFrom(300, 2000, 16_000),
        bytes: fc.constantFrom(10, 4000, 30_000),
        stream: fc.boolean(),
      }),
    },
    { weight: 6, arbitrary: fc.record({ do: doing("answer"), which: any, how: fc.constantFrom(...letting) }) },
    { weight: 1, arbitrary: fc.record({ do: doing("refuse-next", "deliver-again", "reconcile") }) },
    { weight: 2, arbitrary: fc.record({ do: doing("commit-again"), which: any }) },
    { weight: 5, arbitrary: fc.record({ do: doing("speak") }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: doing("end"), whose: any, ending: fc.constantFrom(...endings) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        do: doing("wait"),
        ms: fc.constantFrom(secondMs, 20 * secondMs, 2 * minuteMs, 12 * minuteMs),
      }),
    },
  ];
  const mishaps: fc.WeightedArbitrary<Act>[] = [
    { weight: 1, arbitrary: fc.record({ do: doing("die") }) },
    { weight: 2, arbitrary: fc.record({ do: doing("die-at"), death: moment, awayMs: fc.constantFrom(...awayMs) }) },
    { weight: 1, arbitrary: fc.record({ do: doing("lose"), whose: any }) },
    {
      weight: 1,
      arbitrary: fc.record({ do: doing("jump"), ms: fc.constantFrom(-minuteMs, -10 * minuteMs, hourMs, 5 * hourMs) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({
        do: doing("backend-fails"),
        call: fc.constantFrom("create" as const, "list", "find", "end"),
      }),
    },
  ];
  return fc.oneof(...calm, ...(how === "calm" ? [] : mishaps));
}
