/** Results as a runner hands them over: entries of a manifest, paths and contents in base64. */
import type { FileMode, ManifestEntry } from "../../src/core/protocol.ts";

const base64 = (text: string | Buffer): string => Buffer.from(text).toString("base64");

export function put(path: string, content: string | Buffer, mode: FileMode = "100644"): ManifestEntry {
  return { do: "put", path: base64(path), mode, bytes: Buffer.byteLength(content), content: base64(content) };
}

export const removal = (path: string): ManifestEntry => ({ do: "delete", path: base64(path) });

export async function* entries(given: readonly ManifestEntry[]): AsyncIterable<ManifestEntry> {
  yield* given;
}
