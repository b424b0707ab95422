/**
 * The scripted model behind a gate: every call reaches it and is billed at once, and its answer waits until a test lets it
 * go, whole or broken off. So calls are late, and several are under way, exactly when a test says so.
 */
import type { MicroUsd } from "../../src/core/money.ts";
import { Dropped } from "./github/faults.ts";
import { billed } from "./model-bill.ts";
import { status, type Answer, type Script } from "./model-script.ts";
import { openModel, type ModelCallSeen } from "./model.ts";

/** `cut`: half of the body and then a broken connection. `lost`: the connection breaks before the first byte. */
export type Letting = "whole" | "cut" | "lost";

export interface HeldCall {
  /** The conversation, as it was sent. */
  readonly asked: string;
  /** What the stand-in has on its bill for it. */
  readonly bill: MicroUsd;
  /** The most that it could have billed for this request. */
  readonly mostly: MicroUsd;
  letGo(how: Letting): void;
}

export interface HeldModel {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Calls that wait for their answers, oldest first. */
  underWay(): readonly HeldCall[];
  /** Resolves when the next call waits. */
  arrival(): Promise<void>;
  bill(): MicroUsd;
  /** The API refuses the next call with this status, which costs nothing. */
  refuseNext(code: number): void;
  close(): Promise<void>;
}

const mark = "x-parhelia-call";
/** Long answers, so that what they cost is worth counting. */
const words = "It is done. ".repeat(700);

export async function openHeldModel(apiKey: string): Promise<HeldModel> {
  const refusals: number[] = [];
  const script: Script = (asked): Answer => {
    const code = refusals.shift();
    return code === undefined ? { do: "say", blocks: [{ type: "text", text: words }] } : status(code)(asked);
  };
  const model = await openModel({ script, apiKey });
  const waiting = new Set<HeldCall>();
  const arrivals = new EventTarget();
  let count = 0;

  async function forward(request: Request): Promise<Response> {
    const { pathname, search } = new URL(request.url);
    count += 1;
    const headers = new Headers(request.headers);
    // Names the call among those that the stand-in has seen.
    headers.set(mark, `${count}`);
    const body = await request.text();
    const answer = await fetch(`${model.url}${pathname}${search}`, { method: "POST", headers, body });
    const text = await answer.text();
    const seen = model.calls.find((each) => each.headers[mark] === headers.get(mark));
    if (seen === undefined) throw new Error("the stand-in for the model has not seen this call");
    const how = await held(seen);
    if (how === "lost") throw new Dropped();
    return new Response(how === "cut" ? halfOf(text) : text, { status: answer.status, headers: answer.headers });
  }
  function held({ cost, body: { json, model: name, tokens, maxTokens } }: ModelCallSeen): Promise<Letting> {
    const { promise, resolve } = Promise.withResolvers<Letting>();
    const call: HeldCall = {
      asked: JSON.stringify(json.messages),
      bill: cost,
      mostly: billed(name, { input: 0, output: maxTokens, write5m: tokens, write1h: 0, read: 0 }),
      letGo(how) {
        waiting.delete(call);
        resolve(how);
      },
    };
    waiting.add(call);
    arrivals.dispatchEvent(new Event("arrival"));
    return promise;
  }
  return {
    fetch: forward,
    underWay: () => [...waiting],
    arrival: () => new Promise((resolve) => arrivals.addEventListener("arrival", () => resolve(), { once: true })),
    bill: model.bill,
    refuseNext: (code) => void refusals.push(code),
    close: model.close,
  };
}

function halfOf(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text);
  let sent = false;
  return new ReadableStream({
    pull(controller) {
      if (sent) return controller.error(new TypeError("terminated"));
      sent = true;
      controller.enqueue(bytes.slice(0, Math.floor(bytes.length / 2)));
    },
  });
}
