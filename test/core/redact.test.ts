import { expect, test } from "vitest";
import { redactedMark, redactor } from "../../src/core/redact.ts";

const secret = 'a "secret" of/the+service';
const redact = redactor([secret]);
const base64 = (before: string) => Buffer.from(`${before}${secret}!`).toString("base64");

test.each([
  ["whole", secret],
  ["JSON", JSON.stringify(secret).slice(1, -1)],
  ["percent", encodeURIComponent(secret)],
  ["hex", Buffer.from(secret).toString("hex")],
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

test.each([`ghs_${"a1.".repeat(20)}`, `pa_t_7k2m9x4q-1.${"a".repeat(43)}`, `sk-ant-${"b".repeat(20)}`])(
  "a token goes by its shape: %s",
  (token) => {
    expect(redact(`x ${token} y`)).toBe(`x ${redactedMark} y`);
  },
);
