/** The file of an archive: made whole or not at all, and read line by line with every line checked. */
import { createReadStream } from "node:fs";
import { open, rename, rm, stat } from "node:fs/promises";
import { z } from "zod";
import { Refusal } from "../core/refusal.ts";
import {
  AnyHeader,
  formatVersion,
  Header,
  isBefore,
  itemLine,
  itemOf,
  openTally,
  Trailer,
  type Item,
} from "./archive.ts";

/** No value is longer: a database takes less. More is held in memory for nothing else than a wrong file. */
const longestLineBytes = 256 * 1024 * 1024;
const writtenAtOnce = 256 * 1024;

/**
 * Writes the lines to a new file with mode 0600: it holds the service's own keys and what people wrote. Under another
 * name until it is complete and on disk. Throws a `Refusal` where the file exists.
 */
export const writeNewFile = (path: string, lines: AsyncIterable<string>): Promise<void> =>
  writeNewPieces(path, inPieces(lines));

/** The same of what is in pieces already. */
export async function writeNewPieces(path: string, pieces: AsyncIterable<string | Uint8Array>): Promise<void> {
  const there = await stat(path).catch(unlessAbsent);
  if (there !== undefined) throw new Refusal(`${path} exists already and is left as it is. Give another name.`);
  const part = `${path}.part`;
  await rm(part, { force: true });
  const file = await open(part, "wx", 0o600).catch((error: unknown) => {
    throw new Refusal(`${path} cannot be written: ${codeOf(error)}. Give another place.`, { cause: error });
  });
  try {
    for await (const piece of pieces) await file.writeFile(piece);
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(part, { force: true });
    if (codeOf(error) === "") throw error;
    throw new Refusal(`${path} cannot be written: ${codeOf(error)}.`, { cause: error });
  }
  await file.close();
  await rename(part, path);
}

/** Lines with their line feeds, many in one piece. */
export async function* inPieces(lines: AsyncIterable<string>): AsyncIterable<string> {
  let piece = "";
  for await (const line of lines) {
    piece += `${line}\n`;
    if (piece.length < writtenAtOnce) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

export type Read =
  | { readonly kind: "item"; readonly item: Item; readonly line: number; readonly bytes: number }
  | { readonly kind: "end"; readonly trailer: Trailer; readonly bytes: number };

/** In bytes. Throws a `Refusal` where there is no such file. */
export async function fileSize(path: string): Promise<number> {
  const there = await stat(path).catch(unlessAbsent);
  if (there === undefined) throw new Refusal(`There is no file ${path}.`);
  if (!there.isFile()) throw new Refusal(`${path} is not a file. It is read several times, so it cannot be a pipe.`);
  return there.size;
}

/**
 * Every item in its order, with the number of its line (the header's is 1) and the bytes read so far; at last the end.
 * Throws a `Refusal` that names the file, the line and the cure where it is not exactly what `archiveLines` makes.
 */
export async function* readArchive(path: string): AsyncIterable<Read> {
  const tally = openTally();
  let number = 0;
  let bytes = 0;
  let last: Item | undefined;
  let isEnded = false;
  for await (const raw of linesIn(path)) {
    number += 1;
    bytes += raw.length + 1;
    const at = `${path}, line ${number}`;
    if (isEnded) throw damaged(at, "stands behind the end");
    const text = decoded(raw, at);
    const line = parsedLine(text, at, number);
    if (number === 1) readHeader(line, path);
    else if ("end" in line) {
      isEnded = true;
      yield { kind: "end", trailer: readTrailer(line, { at, told: tally.end(), last }), bytes };
      continue;
    } else {
      const item = readItem(line, { at, text, last });
      tally.add(raw, item);
      last = item;
      yield { kind: "item", item, line: number, bytes };
      continue;
    }
    tally.add(raw);
  }
  if (number === 0) throw notOurs(path);
  if (!isEnded) throw damaged(`${path}, line ${number}`, "is the last, and the end of the export is missing");
}

function readHeader(line: object, path: string): void {
  const any = AnyHeader.safeParse(line);
  if (!any.success) throw notOurs(path);
  if (any.data.version > formatVersion)
    throw new Refusal(
      `${path} has format ${any.data.version}, and this release of Parhelia reads formats up to ${formatVersion}. ` +
        `Import it with the release that wrote it, or a later one.`,
    );
  if (!Header.safeParse(line).success) throw damaged(`${path}, line 1`, "is no header");
}

function readItem(line: object, { at, text, last }: { at: string; text: string; last: Item | undefined }): Item {
  let item: Item | undefined;
  try {
    item = itemOf(line);
  } catch (error) {
    if (!(error instanceof z.ZodError)) throw error;
    // Paths and codes alone: a value must not reach a terminal through an error.
    throw damaged(at, error.issues.map(({ path, code }) => `${path.join(".")}: ${code}`).join(", "));
  }
  if (item === undefined) throw damaged(at, "is no document, counter, line of a log or fence");
  if (last !== undefined && !isBefore(last, item)) throw damaged(at, "is not in its order, or stands there twice");
  if (itemLine(item) !== text) throw damaged(at, "is not written as an export writes it");
  return item;
}

function readTrailer(line: object, { at, told, last }: { at: string; told: Trailer; last: Item | undefined }): Trailer {
  const said = Trailer.safeParse(line);
  if (!said.success) throw damaged(at, "is no end of an export");
  if (last?.kind !== "fence") throw damaged(at, "comes before the fence");
  for (const what of ["documents", "entries", "counters", "lines"] as const)
    if (said.data[what] !== told[what])
      throw damaged(at, `counts ${said.data[what]} ${what}, and there are ${told[what]}`);
  if (said.data.sha256 !== told.sha256) throw damaged(at, "has another SHA-256 than the lines before it");
  return said.data;
}

function decoded(raw: Buffer, at: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
  } catch (error) {
    throw damaged(at, "is not UTF-8", error);
  }
}

function parsedLine(text: string, at: string, number: number): object {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === "object" && line !== null && !Array.isArray(line)) return line;
  } catch {
    // Without the cause: its message quotes the line.
  }
  throw number === 1 ? notOurs(at) : damaged(at, "is no JSON object");
}

async function* linesIn(path: string): AsyncIterable<Buffer> {
  let parts: Buffer[] = [];
  let length = 0;
  const chunks: AsyncIterable<Buffer> = createReadStream(path, { highWaterMark: 1024 * 1024 });
  try {
    for await (const chunk of chunks) {
      let from = 0;
      for (let at = chunk.indexOf(10); at !== -1; at = chunk.indexOf(10, from)) {
        parts.push(chunk.subarray(from, at));
        yield Buffer.concat(parts);
        parts = [];
        length = 0;
        from = at + 1;
      }
      parts.push(chunk.subarray(from));
      length += chunk.length - from;
      if (length > longestLineBytes) throw notOurs(path);
    }
  } catch (error) {
    if (codeOf(error) === "") throw error;
    throw new Refusal(`${path} cannot be read: ${codeOf(error)}.`, { cause: error });
  }
  if (length > 0) yield Buffer.concat(parts);
}

function unlessAbsent(error: unknown): undefined {
  if (codeOf(error) === "ENOENT") return undefined;
  throw error;
}

/** `code` of a Node error, for example `ENOENT`; empty where there is none. */
const codeOf = (error: unknown): string =>
  error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";

const notOurs = (path: string): Refusal =>
  new Refusal(`${path} is not an export of Parhelia. Make one with \`parhelia store export FILE\`.`);

const damaged = (at: string, why: string, cause?: unknown): Refusal =>
  new Refusal(`The export is damaged. ${at}: ${why}. Take another copy of the file.`, {
    cause,
  });
