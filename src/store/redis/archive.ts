/**
 * A database of Redis below the four calls. It has no snapshot that outlasts one call, so nobody may write while it is
 * read, and that is proved: every commit leaves its operation, and when all is read there must be none that was not
 * there, with the same time, before the first name was asked for.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { hourMs, minuteMs, type Instant } from "../../core/instant.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Item } from "../archive.ts";
import { importKey, markText, readMark } from "../import-mark.ts";
import type { RawStore, Standing } from "../move.ts";
import { openScripts, RedisFault, script, type RedisAddress } from "./call-script.ts";
import { piecesOf } from "./pieces.ts";
import { openSortedNames, type SortedNames } from "./sorted-names.ts";

const scripts = {
  read: script(readFileSync(join(import.meta.dirname, "export.lua"), "utf8")),
  write: script(readFileSync(join(import.meta.dirname, "import.lua"), "utf8")),
};

export interface RedisArchiveOptions extends RedisAddress {
  readonly now: () => Instant;
  /** As of `openRedisStore`; an answer is held to as many bytes. */
  readonly prefix?: string;
  readonly requestCharacters?: number;
}

/** Names in one call of a script. */
const namesTogether = 500;
/** As those of open-redis.ts: a document outlives its end by so much, and a piece a commit that was never made. */
const slackMs = hourMs;
/** Operations are kept for seventy minutes (commit.lua), so they are compared well before they go. */
const compareEveryMs = 30 * minuteMs;

export function openRedisArchive(options: RedisArchiveOptions): RawStore {
  const { prefix = "parhelia", requestCharacters = 2.5 * 1024 * 1024, now } = options;
  const url = options.url.replace(/\/+$/, "");
  const calls = openScripts({ url, token: options.token });
  const tag = `{${prefix}}`;
  const place = new URL(url).host;
  const refused = (error: unknown): never => {
    if (!(error instanceof RedisFault)) throw error;
    throw new Refusal(`${place}: ${error.message}. Check store.url and UPSTASH_REDIS_REST_TOKEN, and try again.`, {
      cause: error,
    });
  };
  const ask = async (...args: string[]): Promise<readonly unknown[]> =>
    listOf(await calls.call(scripts.read, [tag], args).catch(refused));
  const reader: Reader = { tag, place, ask, now, answerBytes: String(requestCharacters) };
  return {
    kind: "redis",
    place,
    standing: () => standing(reader),
    read: (at) => read(reader, at),
    indexed: () => indexed(reader),
    async write(batch) {
      const values: string[] = [];
      const items: object[] = [];
      for (const [at, item] of batch.items.entries()) {
        const value = "value" in item && typeof item.value === "string" ? item.value : "";
        const pieces: string[] = [];
        for (const piece of value.length > requestCharacters ? piecesOf(value, requestCharacters) : []) {
          const name = `import/${batch.to.sha256}/${batch.to.items}/${at}/${pieces.length}`;
          await calls.set(`${tag}:piece:${name}`, piece, slackMs).catch(refused);
          pieces.push(name);
        }
        // One argument stands before the values.
        const held = pieces.length > 0 ? { pieces } : { value: values.push(value) + 1 };
        items.push(wireItem(item, held, batch.now));
      }
      const from = batch.from === undefined ? "" : markText(batch.from);
      const head = JSON.stringify({ key: importKey, from, to: markText(batch.to), items });
      const answer = await calls.call(scripts.write, [tag], [head, ...values]).catch(refused);
      if (listOf(answer)[0] !== "ok") throw new Refusal("Another import into this store is at work.");
    },
    async finish() {
      const mark = textOf((await ask("mark", importKey))[0]);
      const head = JSON.stringify({ key: importKey, from: mark, to: "", items: [] });
      await calls.call(scripts.write, [tag], [head]).catch(refused);
    },
    close: async () => undefined,
  };
}

interface Reader {
  readonly tag: string;
  readonly place: string;
  ask(...args: string[]): Promise<readonly unknown[]>;
  now(): Instant;
  readonly answerBytes: string;
}

function wireItem(item: Item, held: object, now: Instant): object {
  switch (item.kind) {
    case "document": {
      const { key: document, version, entries, untilMs } = item;
      const expireMs = untilMs === undefined ? undefined : String(Math.max(0, untilMs - now) + slackMs);
      const end = untilMs === undefined ? {} : { until: String(untilMs), expireMs };
      return { document, version: String(version), entries, ...end, ...held };
    }
    case "counter":
      return { counter: item.name, amount: String(item.value) };
    case "line":
      return { log: item.log, number: String(item.number), ...held };
    case "fence":
      return { fence: String(item.last) };
  }
}

async function standing(reader: Reader): Promise<Standing> {
  const mark = textOf((await reader.ask("mark", importKey))[0]);
  if (mark !== "") return { kind: "importing", mark: readMark(mark) };
  for await (const names of scan(reader, "*")) if (names.length > 0) return { kind: "used" };
  return { kind: "empty" };
}

/** Pages of names, without the prefix: the kind of key, a colon, its name. */
async function* scan(
  { tag, ask }: Reader,
  kinds: string,
): AsyncIterable<readonly (readonly [name: string, note: string])[]> {
  // The characters that a pattern gives a meaning to.
  const pattern = `${tag.replaceAll(/[\\*?[\]^]/g, String.raw`\$&`)}:${kinds}`;
  let cursor = "0";
  do {
    const [next, ...found] = (await ask("scan", cursor, pattern)).map(textOf);
    cursor = next ?? "0";
    yield Array.from({ length: found.length / 2 }, (_, at) => {
      const [name = "", note = ""] = found.slice(2 * at, 2 * at + 2);
      return [name.slice(tag.length + 1), note] as const;
    });
  } while (cursor !== "0");
}

async function* read(reader: Reader, at: Instant): AsyncIterable<Item> {
  const names = openSortedNames();
  let comparedAt = reader.now();
  try {
    // All operations before the first of all other names: one that is made later is then not among them.
    for await (const page of scan(reader, "o:*")) names.add(page);
    for await (const page of scan(reader, "[dcg]:*")) names.add(page);
    for await (const item of items(reader, names, at)) {
      if (reader.now() - comparedAt > compareEveryMs) {
        await refuseChanges(reader, names);
        comparedAt = reader.now();
      }
      yield item;
    }
    const [fence] = await reader.ask("fence");
    await refuseChanges(reader, names);
    // Absent where none was ever given.
    yield { kind: "fence", last: fence === "" ? 0 : numberOf(fence) };
  } finally {
    names.close();
  }
}

async function refuseChanges(reader: Reader, names: SortedNames): Promise<void> {
  for await (const page of scan(reader, "o:*"))
    for (const [name, at] of page)
      if (names.note(name) !== at)
        throw new Refusal(
          `${reader.place} was written to while it was read. Stop every service that uses it, and try again.`,
        );
}

async function* items(reader: Reader, names: SortedNames, at: Instant): AsyncIterable<Item> {
  for (const page of names.pages("d:", namesTogether)) yield* documents(reader, page, at);
  for (const page of names.pages("c:", namesTogether)) {
    const amounts = await reader.ask("counters", ...page);
    for (const [place, name] of page.entries())
      if (textOf(amounts[place]) !== "") yield { kind: "counter", name, value: numberOf(amounts[place]) };
  }
  for (const page of names.pages("g:", namesTogether)) yield* lines(reader, page);
}

async function* documents(reader: Reader, page: readonly string[], at: Instant): AsyncIterable<Item> {
  let left = page;
  while (left.length > 0) {
    const found = await reader.ask("documents", reader.answerBytes, ...left);
    for (const [place, each] of found.entries()) {
      const [version, value = "", entries = "", until = ""] = listOf(each).map(textOf);
      const key = left[place] ?? "";
      const untilMs = until === "" ? undefined : numberOf(until);
      // Gone since its name was found: past its end.
      if (version === undefined || key === importKey || (untilMs !== undefined && untilMs <= at)) continue;
      yield { kind: "document", key, version: numberOf(version), entries, untilMs, value };
    }
    left = left.slice(found.length);
  }
}

async function* lines(reader: Reader, page: readonly string[]): AsyncIterable<Item> {
  let left = page;
  let after = "0";
  while (left.length > 0) {
    const [complete, ...found] = (await reader.ask("lines", reader.answerBytes, after, ...left)).map(textOf);
    for (let at = 0; at < found.length; at += 3) {
      const [place, number = "", value = ""] = found.slice(at, at + 3);
      yield { kind: "line", log: left[Number(place)] ?? "", number: numberOf(number), value };
    }
    // The log that comes next was begun if the last line is of it.
    const [place, number = "0"] = found.slice(-3);
    after = place === complete ? number : "0";
    left = left.slice(numberOf(complete));
  }
}

async function indexed(reader: Reader): Promise<number> {
  const names = openSortedNames();
  try {
    for await (const page of scan(reader, "i:*")) names.add(page);
    let sum = 0;
    for (const page of names.pages("i:", namesTogether)) sum += numberOf((await reader.ask("cards", ...page))[0]);
    return sum;
  } finally {
    names.close();
  }
}

const unreadable = (): Error => new Error("the answer of a script cannot be read");

function listOf(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw unreadable();
}

function textOf(answer: unknown): string {
  if (typeof answer === "string") return answer;
  throw unreadable();
}

function numberOf(answer: unknown): number {
  const number = Number(textOf(answer));
  if (Number.isSafeInteger(number)) return number;
  throw unreadable();
}
