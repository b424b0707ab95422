/** The inbox of an attempt: what its runner should be told, numbered, read by a long poll. */
import { z } from "zod";
import { AttemptId } from "../core/ids.ts";
import type { Line } from "../core/ports/store.ts";
import type { InboxMessage } from "../core/protocol.ts";
import { logs } from "./document.ts";

const Message = z.object({ kind: z.literal("cancel"), because: z.string() });

/** News for the runner: a message, or that its attempt has ended. */
export const inboxTopic = (attempt: AttemptId): string => `inbox/${attempt}`;

/** The attempt that such a topic is about. */
export const attemptIn = (topic: string): AttemptId | undefined =>
  topic.startsWith("inbox/") ? AttemptId.safeParse(topic.slice("inbox/".length)).data : undefined;

/** Of one answer; a runner asks on behind the last. */
const atOnce = 50;

export const inboxQuery = (attempt: AttemptId, after: number) =>
  ({ read: logs.inbox(attempt), after, limit: atOnce }) as const;

export const messagesIn = (lines: readonly Line[]): InboxMessage[] =>
  lines.map((line) => ({ n: line.number, ...Message.parse(line.value) }));
