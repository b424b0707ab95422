/** Results that no runner of ours would send, through the real gateway: they end as a failure, and nothing is published. */
import { expect, test } from "vitest";
import { secondMs } from "../../src/core/instant.ts";
import { world, type World } from "../world/world.ts";

const base64 = (text: string): string => Buffer.from(text, "latin1").toString("base64");
const put = (path: string, mode = "100644") => ({
  do: "put",
  path: base64(path),
  mode,
  bytes: 1,
  content: base64("x"),
});
const sealed = {
  ended: "exited",
  exitCode: 0,
  signal: null,
  agent: { isError: false, subtype: "success", apiErrorStatus: null, text: "Done", turns: 1 },
  because: "",
  tail: "",
  parts: 1,
  changedFiles: 1,
  left: [],
};

const paths = ["../../x", "/etc/x", "a/../x", "./x", "a//b", ".git/config", "a/.GIT/x", "git~1", "x\0y", "\xff"];
const forged: Readonly<Record<string, readonly object[]>> = {
  ...Object.fromEntries(paths.map((path) => [`the path ${JSON.stringify(path)}`, [put(path)]])),
  "a workflow": [put(".github/workflows/evil.yml")],
  "a submodule that is none": [put("sub", "160000")],
  "a piece without its file": [{ do: "more", content: base64("x") }],
  "fewer bytes than told": [{ ...put("x"), bytes: 1000 }],
  "more bytes than told": [{ ...put("x"), bytes: 0 }],
};

/** Hands over these entries as the first part of a result that names so many, and lets the service act on it. */
async function handOver(w: World, entries: readonly object[], parts = 1): Promise<void> {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  const inside = w.inside();
  await inside.says();
  await w.dispatch();
  await inside.call("/gateway/result/1", { method: "PUT", body: JSON.stringify(entries) });
  const { status } = await inside.call("/gateway/result", {
    method: "POST",
    body: JSON.stringify({ ...sealed, parts }),
  });
  expect(status).toBe(204);
  for (let n = 0; n < 3; n += 1) await w.pass(secondMs);
}

test.for(Object.entries(forged))("a forged result is not published: %s", ([, entries]) =>
  world(async (w) => {
    await handOver(w, entries);
    expect(await w.task()).toMatchObject({ state: "failed" });
    expect(w.github.pulls("acme/widgets")).toEqual([]);
    expect(await w.github.branches("acme/widgets")).toEqual(["main"]);
  }),
);

test("a result that names a part which was never sent is the sandbox's failure: it is told once and not tried again", () =>
  world(async (w) => {
    await handOver(w, [put("x")], 3);
    expect(await w.task()).toMatchObject({ state: "failed" });
    expect(w.said().join("\n")).toContain("Part 2 of the 3 parts of the result is missing");
    expect(w.takeFaults()).toEqual([]);
    expect(w.github.pulls("acme/widgets")).toEqual([]);
    expect(await w.github.branches("acme/widgets")).toEqual(["main"]);
  }));

test("the same result with an honest path is published", () =>
  world(async (w) => {
    await handOver(w, [put("x")]);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
    console.log(`hostile-result: ${Object.keys(forged).length + 1} forged results, 0 published`);
  }));
