/** Sends the changes in numbered parts that each stay within their bound, a large file in pieces. */
import { bounds, type FileMode, type ManifestEntry } from "../core/protocol.ts";

/** Small against a part, so that the largest result needs few parts; a multiple of 3, so that base64 has no padding within. */
const pieceBytes = 192 * 1024;

export type Parts = ReturnType<typeof openParts>;

/** `put` sends part n, a JSON array of `ManifestEntry`. Paths are bytes, held one to a character (latin1). */
export function openParts(put: (n: number, part: string) => Promise<void>) {
  let parts = 0;
  let waiting: string[] = [];
  let waitingBytes = 0;

  const send = async (): Promise<void> => {
    if (waiting.length === 0) return;
    const part = `[${waiting.join(",")}]`;
    waiting = [];
    waitingBytes = 0;
    await put(parts + 1, part);
    parts += 1;
  };

  const add = async (entry: ManifestEntry): Promise<void> => {
    // All of it is ASCII: characters are bytes.
    const json = JSON.stringify(entry);
    if (waitingBytes + json.length + 2 > bounds.partBytes) await send();
    waiting.push(json);
    waitingBytes += json.length + 1;
  };

  const base64 = (path: string): string => Buffer.from(path, "latin1").toString("base64");

  return {
    /** Parts that have been sent. */
    get sent(): number {
      return parts;
    },
    send,
    remove: (path: string): Promise<void> => add({ do: "delete", path: base64(path) }),
    async put(path: string, mode: FileMode, content: Buffer): Promise<void> {
      const piece = (from: number): string => content.toString("base64", from, from + pieceBytes);
      await add({ do: "put", path: base64(path), mode, bytes: content.length, content: piece(0) });
      for (let from = pieceBytes; from < content.length; from += pieceBytes) {
        await add({ do: "more", content: piece(from) });
      }
    },
  };
}
