/** What a test has the stand-in do wrong, by the name of the call: `SandboxCreateV2`, `SandboxListV2`. */
import type { Status } from "nice-grpc";

export type Fault =
  /** Nothing is done. With `retryAfterSecs` the client is told when to come again, and obeys without limit. */
  | { readonly do: "refuse"; readonly code: Status; readonly words: string; readonly retryAfterSecs?: number }
  /** It is done, and the answer gets lost. */
  | { readonly do: "lose" }
  /** It is done later. */
  | { readonly do: "wait"; readonly ms: number };

export interface Faults {
  /** From now on, for so many calls. */
  add(call: string, fault: Fault, times: number): void;
  /** The one for this call, which is used up by it. */
  take(call: string): Fault | undefined;
  clear(): void;
}

export function openFaults(): Faults {
  let planned: { readonly call: string; readonly fault: Fault; left: number }[] = [];
  return {
    add: (call, fault, times) => planned.push({ call, fault, left: times }),
    take(call) {
      const found = planned.find((plan) => plan.call === call && plan.left > 0);
      if (found !== undefined) found.left -= 1;
      return found?.fault;
    },
    clear() {
      planned = [];
    },
  };
}
