/** Brings the API's answer to the agent and finds out on the way what the call cost. */
import type { ModelApi } from "../../core/ports/model.ts";
import type { CacheTtl } from "../../core/pricing.ts";
import { answerNo } from "./answers.ts";
import type { Charge, Ending } from "./charge.ts";
import { parseObject } from "./json.ts";
import { streamMeter } from "./meter.ts";
import { headersBack, withoutKey } from "./upstream.ts";
import { laterUsage, readUsage } from "./usage.ts";

export interface Passing {
  readonly upstream: ModelApi;
  readonly charge: Charge;
  readonly cacheTtl: CacheTtl;
}

const isStream = (response: Response): boolean =>
  (response.headers.get("content-type") ?? "").startsWith("text/event-stream");

/** The answer to give for a call. The charge ends before the agent can see that the answer is complete. */
export async function passAnswer(response: Response, passing: Passing): Promise<Response> {
  if (!response.ok) return passError(response, passing);
  if (response.body !== null && isStream(response)) {
    return new Response(metered(response.body, passing), { status: response.status, headers: headersBack(response) });
  }
  const body = await wholeBody(response);
  if (body === undefined) {
    await passing.charge.end({ cost: "unknown", because: "the answer broke off" });
    return answerNo({ status: 502, type: "api_error", message: "The model's answer broke off. Try again." });
  }
  await endByUsage(passing, parseObject(body)?.["usage"]);
  return new Response(body, { status: response.status, headers: headersBack(response) });
}

/** An error that names no usage cost nothing. */
async function passError(response: Response, passing: Passing): Promise<Response> {
  const body = (await wholeBody(response)) ?? "";
  const usage = parseObject(body)?.["usage"];
  if (usage === undefined) await passing.charge.end({ cost: "none", because: `the API answered ${response.status}` });
  else await endByUsage(passing, usage);
  return errorBack(response, body, passing.upstream);
}

/**
 * What the agent sees of an error. One about our key or our account is not the agent's: passed on, a 401 would read as
 * its own token being wrong, and a 402 as the task's budget being used up.
 */
export function errorBack(response: Response, body: string, upstream: ModelApi): Response {
  if (response.status === 401 || response.status === 402 || response.status === 403) {
    const message = `The model's API refused this service's account (${response.status}). Its operator has to look.`;
    return answerNo({ status: 503, type: "api_error", message, headers: { "x-should-retry": "false" } });
  }
  if (response.status < 400) {
    return answerNo({ status: 502, type: "api_error", message: "The model's API answered with a redirect." });
  }
  return new Response(withoutKey(upstream, body), { status: response.status, headers: headersBack(response) });
}

async function endByUsage(passing: Passing, raw: unknown): Promise<void> {
  const usage = readUsage(laterUsage(undefined, raw), passing.cacheTtl);
  await passing.charge.end(
    usage === undefined
      ? { cost: "unknown", because: "the answer gave no usage that the price table covers" }
      : { cost: "counted", usage },
  );
}

async function wholeBody(response: Response): Promise<string | undefined> {
  try {
    return await response.text();
  } catch (error) {
    // A body that breaks off is a TypeError of fetch; the caller charges for it.
    if (error instanceof TypeError || error instanceof DOMException) return undefined;
    throw error;
  }
}

/** The same bytes in the same chunks. When the agent hangs up, the rest is still read, because its end tells the cost. */
function metered(source: ReadableStream<Uint8Array>, passing: Passing): ReadableStream<Uint8Array> {
  const reader = source.getReader();
  const meter = streamMeter();
  const broken = (): Ending => {
    const seen = readUsage(meter.usage(), passing.cacheTtl);
    return { cost: "unknown", because: "the stream was cut before its end", ...(seen === undefined ? {} : { seen }) };
  };

  async function step(): Promise<Uint8Array | undefined> {
    const read = await reader.read();
    if (read.done) {
      const none = { cost: "none", because: "the API failed before it began to answer" } as const;
      await passing.charge.end(meter.failedBeforeStart() ? none : broken());
      return undefined;
    }
    meter.feed(read.value);
    // Before the last bytes go out: the agent may send its next call as soon as it has them.
    if (meter.complete()) await endByUsage(passing, meter.usage());
    return read.value;
  }
  let hungUp = false;
  return new ReadableStream({
    async pull(controller) {
      try {
        const chunk = await step();
        // A chunk that was under way when the agent hung up has nowhere to go; its usage was read.
        if (hungUp) return;
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      } catch (error) {
        await passing.charge.end(broken());
        controller.error(error);
      }
    },
    cancel() {
      hungUp = true;
      const drain = async (): Promise<void> => {
        while ((await step()) !== undefined);
      };
      // Not awaited: whoever hung up does not wait for the model.
      void drain().catch(() => passing.charge.end(broken()));
    },
  });
}
