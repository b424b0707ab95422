/** Requests that cost their sender little and the service much. */
import { expect, test } from "vitest";
import { hasMoreValues } from "../../src/gateway/json-values.ts";
import { errorOf, json, modelStage, request, usage } from "./model-stage.ts";

test("values are counted where they stand, and not in what a string says", () => {
  const counts = (text: string): number =>
    Array.from({ length: 20 }).findIndex((_, most) => !hasMoreValues(text, most));
  expect(counts("1")).toBe(1);
  expect(counts("[1,2,3]")).toBe(4);
  expect(counts('{"a":{"b":[]},"c":1}')).toBe(5);
  expect(counts(String.raw`["[,\"[,","\\",[]]`)).toBe(5);
});

test("a request that is small and becomes large when it is parsed is refused unread", async () => {
  const stage = modelStage(() => json({ type: "message", usage: usage(1, 1) }));
  const withValues = (count: number): object => ({
    ...request,
    tools: [{ name: "a", input_schema: { a: Array(count).fill(0) } }],
  });
  const many = await errorOf(await stage.ask(withValues(500_000)));
  expect(many).toMatchObject({ status: 413, message: expect.stringContaining("500,000 JSON values") });
  expect((await stage.ask(withValues(400_000))).status).toBe(200);
  const text = String.raw`[],{},"\",[`.repeat(200_000);
  expect((await stage.ask({ ...request, messages: [{ role: "user", content: text }] })).status).toBe(200);
});
