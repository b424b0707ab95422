import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "vitest";
import { redactedMark, redactor, secretFinder } from "../../src/core/redact.ts";

const secret = 'a "secret" of/the+service';
const redact = redactor([secret]);
const base64 = (before: string) => Buffer.from(`${before}${secret}!`).toString("base64");
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
const lines = pem.split("\n").filter((line) => line !== "" && !line.startsWith("-"));
const inJson = (text: string): string => JSON.stringify(text).slice(1, -1);
/** As `base64` prints it. */
const wrapped = (text: string): string =>
  Buffer.from(text)
    .toString("base64")
    .replaceAll(/.{76}/g, (line) => `${line}\n`);

test.each([
  ["whole", secret],
  ["JSON", inJson(secret)],
  ["JSON within JSON", inJson(inJson(secret))],
  ["escaped through and through", secret.replaceAll(/./g, (c) => `\\u00${Buffer.from(c).toString("hex")}`)],
  ["percent", encodeURIComponent(secret)],
  ["every byte percent", Buffer.from(secret).toString("hex").replaceAll(/../g, "%$&")],
  ["upper case", secret.toUpperCase()],
  ["hex", Buffer.from(secret).toString("hex")],
  ["upper hex", Buffer.from(secret).toString("hex").toUpperCase()],
  ["wrapped", `${secret.slice(0, 12)}\n  ${secret.slice(12)}`],
])("a known secret goes in the form %s, and the rest stays", (_, form) => {
  expect(redact(`before ${form} after`)).toBe(`before ${redactedMark} after`);
});

test.each(["", "x", "xy"])("a known secret goes from base64 behind %j", (before) => {
  expect(redact(base64(before))).toContain(redactedMark);
  expect(redact(base64(before)).length).toBeLessThan(20);
});

test("what is left of a secret where a text was cut goes too", () => {
  expect(redact(`it is ${secret.slice(0, 15)}`)).toBe(`it is ${redactedMark}`);
  expect(redact(`${secret.slice(8)} it was`)).toBe(`${redactedMark} it was`);
});

test("wherever a long secret is cut in two, what is left of it is too short to be of use", () => {
  const [first = "", second = ""] = lines;
  const of = redactor([pem]);
  for (let at = 0; at <= first.length; at += 1) {
    const [head, tail] = [of(`x ${first.slice(0, at)}`), of(`${first.slice(at)}\ny`)];
    expect(head.replace("x ", "").replace(redactedMark, "").length, head).toBeLessThan(10);
    expect(tail.replace("\ny", "").replace(redactedMark, "").length, tail).toBeLessThan(10);
    // In the middle of a text: from 20 characters on.
    if (at <= 44) expect(of(`(${second.slice(at, at + 20)})`)).toBe(`(${redactedMark})`);
  }
});

test("of a key in base64 on several lines nothing is left, whether a text holds one line or all", () => {
  const of = redactor([pem]);
  const printed = wrapped(pem);
  const middle = printed.split("\n").slice(1, -2);
  expect(middle.length).toBeGreaterThan(10);
  for (const text of [of(printed), ...middle.map(of)])
    for (const line of text.split("\n").slice(1, -2)) expect(line.replaceAll(redactedMark, "").length).toBeLessThan(20);
});

test("a key goes line by line, and as one where it is whole", () => {
  const of = redactor([pem]);
  expect(of(`key:\n${pem}done`)).toBe(`key:\n${redactedMark}\ndone`);
  expect(of(lines.map((line) => `| ${line} |`).join("\n"))).toBe(lines.map(() => `| ${redactedMark} |`).join("\n"));
  expect(of(inJson(inJson(`a\n${pem}z`)))).toBe(String.raw`a\\n${redactedMark}\\nz`);
});

test("text without a secret is the same", () => {
  const of = redactor([pem, secret, "0123456789abcdef0123456789abcdef"]);
  const text = `-----BEGIN CERTIFICATE-----\nMIID\\u0041 %2F\\n "C:\\new\\table" 0123456789 a secret of the others docs/doc1/a-long-name-for-a-page.md`;
  expect(of(text)).toBe(text);
  expect(of("")).toBe("");
});

test.each([`ghs_${"a1.".repeat(20)}`, `pa_t_7k2m9x4q-1.${"a".repeat(43)}`, `sk-ant-${"b".repeat(20)}`])(
  "a token goes by its shape: %s",
  (token) => {
    expect(redact(`x ${token} y`)).toBe(`x ${redactedMark} y`);
  },
);

test.each(["ghs_", "sk-ant-", "pa_t_"])("a token that begins with %s goes in every encoding", (beginning) => {
  const token = `${beginning}${"Ab3_".repeat(20)}`;
  const inHex = Buffer.from(token).toString("hex");
  for (const form of [
    inHex,
    inHex.toUpperCase(),
    inHex.replaceAll(/../g, "%$&"),
    inHex.replaceAll(/../g, String.raw`\u00$&`),
    inHex.replaceAll(/../g, String.raw`\\u00$&`),
  ])
    expect(redact(`x ${form} y`)).toBe(`x ${redactedMark} y`);
  for (const before of ["", "x", "xy"]) {
    const form = Buffer.from(`${before}${token}`).toString("base64");
    expect(redact(`(${form})`)).toMatch(/^\(.{0,4}\[redacted\]\)$/);
  }
});

const ours = `pa_t_7k2m9x4q-1.${"o".repeat(43)}`;
const holdsSecret = secretFinder([pem, secret, "development"], (token) => token === ours);

test.each([
  ["a line of the key", lines[3] ?? ""],
  ["a secret", secret],
  ["a secret in JSON", inJson(secret)],
  ["a key in base64", wrapped(pem)],
  ["a secret in UTF-16", Buffer.from(secret, "utf16le").toString("latin1")],
  ["a token of an attempt", ours],
  ["a token of an installation", `ghs_7001_${"a1.".repeat(20)}`],
])("bytes hold %s", (_, held) => {
  const noise = "\0\xff\u0080 \n";
  expect(holdsSecret(`${noise}${held}${noise}`)).toBe(true);
});

test.each([
  [
    "another key",
    generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey.export({ type: "pkcs8", format: "pem" }),
  ],
  ["a key of a model in a fixture", `sk-ant-${"b".repeat(80)}`],
  ["a token that no attempt has", `pa_t_7k2m9x4q-1.${"a".repeat(43)}`],
  ["a placeholder", "ghs_xxxxxxxx"],
  ["half of a secret", secret.slice(0, 22)],
  ["a secret that is a word", "development"],
])("bytes with %s hold no secret", (_, text) => {
  expect(holdsSecret(String(text))).toBe(false);
});
