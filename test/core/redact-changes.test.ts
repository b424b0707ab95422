/** What a sandbox hands over, looked through for secrets on its way to be published. */
import { expect, test } from "vitest";
import { withoutSecrets } from "../../src/core/changes.ts";
import type { ManifestEntry } from "../../src/core/protocol.ts";
import { secretFinder } from "../../src/core/redact.ts";
import { Refusal } from "../../src/core/refusal.ts";

const secret = "the secret of all of them";
const bytes = (text: string): string => Buffer.from(text).toString("base64");
const put = (path: string, content: string): ManifestEntry => ({
  do: "put",
  path: bytes(path),
  mode: "100644",
  bytes: content.length,
  content: bytes(content),
});
const more = (content: string): ManifestEntry => ({ do: "more", content: bytes(content) });

async function* given(entries: Iterable<ManifestEntry>): AsyncGenerator<ManifestEntry> {
  yield* entries;
}

async function read(entries: Iterable<ManifestEntry>, finder = secretFinder([secret], () => false)) {
  const passed: ManifestEntry[] = [];
  try {
    for await (const entry of withoutSecrets(given(entries), finder)) passed.push(entry);
    return passed;
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

test("what holds no secret comes out as it went in, a secret cut by the end of a file included", async () => {
  const entries = [put("a", secret.slice(0, 12)), put("b", secret.slice(12)), more("x"), put("b", "y")];
  const removed: ManifestEntry = { do: "delete", path: bytes("c") };
  expect(await read([...entries, removed, removed])).toEqual([...entries, removed, removed]);
});

test.each([
  ["between two small pieces", [put("a", "x"), put("b", `x ${secret.slice(0, 9)}`), more(secret.slice(9))]],
  ["byte by byte", [put("a", "x"), put("b", ""), ...Array.from(secret, more)]],
  [
    "between two large pieces",
    [
      put("a", "x"),
      put("b", ""),
      more("x".repeat(300_000) + secret.slice(0, 9)),
      more(secret.slice(9) + "x".repeat(300_000)),
    ],
  ],
  ["at the end of many pieces", [put("b", ""), ...Array.from({ length: 30_000 }, () => more("abc ")), more(secret)]],
])("a secret is found %s, and its file is named", async (_, entries) => {
  const said = await read(entries);
  expect(said).toContain(`"b" holds a secret`);
  expect(said).not.toContain(secret);
});

test.each(["put", "delete"] as const)("a name that is a secret is not said (%s)", async (what) => {
  const path = `x/${secret}/y`;
  const said = await read([what === "put" ? put(path, "") : { do: "delete", path: bytes(path) }]);
  expect(said).toContain("The name of a file holds a secret");
  expect(said).not.toContain(secret);
});

test("each byte is looked at about once, however small the pieces are", async () => {
  let looked = 0;
  const count = (text: string): boolean => {
    looked += text.length;
    return false;
  };
  const workOf = async (pieces: number): Promise<number> => {
    looked = 0;
    await read([put("a", ""), ...Array.from({ length: pieces }, () => more("12345678"))], count);
    return looked;
  };
  expect(await workOf(100_000)).toBeLessThan(1.1 * 800_000);
});
