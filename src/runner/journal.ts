/**
 * The attempt's numbered events until the gateway has acknowledged them. They wait in a file, so that a service away for an
 * hour costs no memory; what has no room is counted and named. Numbers are given when an event is kept, so there are no gaps.
 */
import { ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { bounds, type RunnerEvent } from "../core/protocol.ts";
import { fit } from "./lines.ts";

type Unnumbered<Event> = Event extends unknown ? Omit<Event, "n" | "at"> : never;
/** An event before it has its number and its time. */
export type Fact = Unnumbered<RunnerEvent>;

export type Journal = ReturnType<typeof openJournal>;

/** Where the JSON is: in memory, or in the file from `at`. */
type Kept = { n: number; at: number; bytes: number; json: string | undefined };

/** The part of the room that output may fill; the rest is for what the runner itself has to say. */
const outputShare = 0.9;

/** On a full disk events of up to this size stay in memory, among them those that say that the sandbox lives. */
const smallBytes = 1024;

/** Room for the words that say how much was cut. */
const cutNoteBytes = 100;

function encode(event: Fact & { at: number }, n: number): string {
  const json = JSON.stringify({ n, ...event });
  const bytes = Buffer.byteLength(json);
  if (bytes <= bounds.eventBytes) return json;
  const others = bytes - Buffer.byteLength(JSON.stringify(event.message));
  const message = fit(event.message, bounds.eventBytes - others - cutNoteBytes);
  const cutBytes = Buffer.byteLength(event.message) - Buffer.byteLength(message);
  return JSON.stringify({ n, ...event, message: `${message} [cut: ${cutBytes} more bytes]` });
}

/** `file` must not exist. `now` gives milliseconds since 1970. */
export function openJournal(file: string, now: () => number, room = { events: 20_000, bytes: 64 * 1024 * 1024 }) {
  const descriptor = openSync(file, "wx+", 0o600);
  let endAt = 0;
  let kept: Kept[] = [];
  let next = 1;
  /** The highest number that the service says it has. */
  let acknowledged = 0;
  let leftOut = { events: 0, bytes: 0 };
  let arrival = Promise.withResolvers<void>();

  const hasRoom = ({ type }: Fact): boolean => {
    const share = type === "output" ? outputShare : 1;
    return kept.length < room.events * share && endAt < room.bytes * share;
  };

  const write = (json: Buffer): boolean => {
    try {
      // A full disk may take a part; the end stays where it was, so that the part is written over.
      return writeSync(descriptor, json, 0, json.length, endAt) === json.length;
    } catch {
      return false;
    }
  };

  /** The bytes for which there was no room: 0, or all of it. */
  const store = (fact: Fact): number => {
    const json = encode({ at: now(), ...fact }, next);
    const bytes = Buffer.from(json);
    const isWritten = hasRoom(fact) && write(bytes);
    if (!isWritten && !(hasRoom(fact) && bytes.length <= smallBytes)) return bytes.length;
    kept.push({ n: next, at: endAt, bytes: bytes.length, json: isWritten ? undefined : json });
    if (isWritten) endAt += bytes.length;
    next += 1;
    arrival.resolve();
    return 0;
  };

  const noteLeftOut = (): void => {
    const { events, bytes } = leftOut;
    const message = `${events} events (${bytes} bytes) were left out: there was no room to keep them.`;
    if (store({ type: "output_cut", level: "warning", message, bytes }) === 0) leftOut = { events: 0, bytes: 0 };
  };

  const read = ({ at, bytes, json }: Kept): string => {
    if (json !== undefined) return json;
    const piece = Buffer.alloc(bytes);
    readSync(descriptor, piece, 0, bytes, at);
    return piece.toString();
  };

  const placeholder = (n: number, message: string): string =>
    encode({ at: now(), type: "runner_warning", level: "warning", message }, n);

  return {
    /** Never throws; what has no room is counted, and named once there is room again. */
    add(fact: Fact): void {
      if (leftOut.events > 0 && hasRoom(fact)) noteLeftOut();
      const lost = store(fact);
      if (lost > 0) leftOut = { events: leftOut.events + 1, bytes: leftOut.bytes + lost };
    },
    get empty(): boolean {
      return kept.length === 0;
    },
    get acknowledged(): number {
      return acknowledged;
    },
    /** Resolves when there is something to push. */
    arrived: (): Promise<void> => arrival.promise,
    /**
     * The next events as JSON, from the first that the service lacks. What it once acknowledged and lost again is
     * no longer here; each such number gets a placeholder, so that the gap closes instead of standing for ever.
     */
    batch(limit: { events: number; bytes: number }): string[] {
      const batch: string[] = [];
      const first = kept[0]?.n ?? 0;
      for (let n = acknowledged + 1; n < first && batch.length < limit.events; n += 1) {
        batch.push(placeholder(n, "The service lost an event here after it had acknowledged it."));
      }
      let bytes = 0;
      for (const each of kept) {
        bytes += each.bytes;
        if (batch.length >= limit.events || (batch.length > 0 && bytes > limit.bytes)) break;
        batch.push(read(each));
      }
      return batch;
    },
    /** Puts a placeholder where the service will not take the first event. */
    replaceFirst(because: string): void {
      const first = kept[0];
      if (first !== undefined)
        first.json = placeholder(first.n, `The service did not take an event: ${because.slice(0, 500)}`);
    },
    acknowledge(last: number): void {
      acknowledged = last;
      // Someone else who knows the token has pushed: go on above, or our events would count as repeated ones.
      next = Math.max(next, last + 1);
      kept = kept.filter(({ n }) => n > last);
      if (kept.length === 0) {
        ftruncateSync(descriptor);
        endAt = 0;
        arrival = Promise.withResolvers<void>();
      }
    },
  };
}
