/**
 * Wakes across replicas: commits publish their topics, and each replica hears them over Upstash's stream of server-sent
 * events. A hint only: while the stream is away, and after it came back, everything may have happened.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { anyTopic, type Tell } from "../wake.ts";
import type { RedisAddress } from "./call-script.ts";

/** Between two tries to get the stream back. */
const againMs = [500, 1000, 2000, 5000, 10_000] as const;

/** Watches until it is stopped. What comes from `me` was told already, where it was done. */
export const subscribe =
  (address: RedisAddress, { channel, me }: { readonly channel: string; readonly me: string }) =>
  (tell: Tell): (() => void) => {
    const over = new AbortController();
    void keepListening({ address, channel, me, tell, over: over.signal });
    return () => over.abort();
  };

interface Listening {
  readonly address: RedisAddress;
  readonly channel: string;
  readonly me: string;
  readonly tell: Tell;
  readonly over: AbortSignal;
}

async function keepListening(listening: Listening): Promise<void> {
  const { over } = listening;
  for (let tries = 0; !over.aborted; tries += 1) {
    try {
      // Resets with the first message, which says that the stream is there.
      await hear(listening, () => (tries = 0));
    } catch {
      // The stream is a hint and no more: whoever waits also looks by itself.
    }
    await sleep(againMs[Math.min(tries, againMs.length - 1)] ?? 0, undefined, { signal: over, ref: false }).catch(
      () => undefined,
    );
  }
}

async function hear({ address, channel, me, tell, over }: Listening, began: () => void): Promise<void> {
  const answer = await fetch(`${address.url}/subscribe/${encodeURIComponent(channel)}`, {
    method: "POST",
    headers: { authorization: `Bearer ${address.token}`, accept: "text/event-stream" },
    signal: over,
  });
  if (!answer.ok || answer.body === null) throw new Error(`the stream answered ${answer.status}`);
  let rest = "";
  for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
    const lines = `${rest}${chunk}`.split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const [, kind, payload = ""] = /^data: ?(subscribe|message),[^,]*,(.*)$/.exec(line.trimEnd()) ?? [];
      const [by, ...topics] = payload.split("\t");
      if (kind === "subscribe") {
        began();
        tell([anyTopic], "elsewhere");
      } else if (kind === "message" && by !== me) tell(topics, "elsewhere");
    }
    if (rest.length > longestLine) throw new Error("a line of the stream is too long");
  }
}

const longestLine = 1024 * 1024;
