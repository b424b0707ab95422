/** The inbox of an attempt: what its runner should be told, numbered, read by a long poll. */
import { z } from "zod";
import type { AttemptId } from "../core/ids.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import type { InboxMessage } from "../core/protocol.ts";
import { logs } from "./document.ts";

const Message = z.object({ kind: z.literal("cancel"), because: z.string() });

export const inboxTopic = (attempt: AttemptId): string => `inbox/${attempt}`;

export async function readInbox(
  store: Store,
  now: Instant,
  ask: { attempt: AttemptId; after: number },
): Promise<InboxMessage[]> {
  const [lines] = await store.look(now, [{ read: logs.inbox(ask.attempt), after: ask.after, limit: 50 }]);
  return lines.map((line) => ({ n: line.number, ...Message.parse(line.value) }));
}
