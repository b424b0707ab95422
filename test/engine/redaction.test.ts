/** What a sandbox says is redacted where it enters, so that no output path has to remember it. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import type { Inside } from "../world/sandboxes.ts";
import { webhookSecret } from "../world/service.ts";
import { world, type World } from "../world/world.ts";

test("case 21: a token that a sandbox prints is in no comment, no event and no result, and the rest is", () =>
  world(async (w) => {
    await w.comment("/parhelia run -- env");
    await w.dispatch();
    const inside = w.inside();
    const own = inside.spec.env["PARHELIA_TOKEN"] ?? "";
    const minted = `ghs_7001_${"Ab3_".repeat(30)}`;
    const forms = [own, minted, Buffer.from(own).toString("base64"), Buffer.from(minted).toString("base64")];
    await inside.says(
      { type: "runner_started", level: "info", message: "up" },
      ...forms.map((form) => ({
        type: "output" as const,
        stream: "stdout" as const,
        level: "info" as const,
        message: `HOME=/home X=${form} tail`,
      })),
    );
    await w.pass(minuteMs);
    await inside.ends({ exitCode: 1, tail: `PATH=/bin\nTOKEN=${own}\nGH=${minted}\nlast line\n` });
    await w.pass(30 * secondMs);
    const task = await w.task();
    const events = await listEvents(w.store, w.now(), { task: task.id, level: "debug", limit: 100 });
    const everywhere = JSON.stringify([w.said(), events, task]);
    for (const form of forms) expect(everywhere).not.toContain(form.slice(4, 40));
    expect(everywhere).toContain("[redacted]");
    expect(w.said()[0]).toContain("last line");
    expect(w.said()[0]).toContain("PATH=/bin");
  }));

async function atWork(w: World): Promise<Inside> {
  await w.comment("/parhelia run fix it");
  await w.dispatch();
  const inside = w.inside();
  await inside.says();
  await w.dispatch();
  return inside;
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");

test.for<readonly [string, (own: string) => Record<string, string>, string]>([
  ["a known secret", () => ({ "a.txt": "fine\n", "conf/.env": `A=1\nSECRET=${webhookSecret}\n` }), "conf/.env"],
  ["a known secret in base64", () => ({ "a.bin": `\0\u0001${base64(`x${webhookSecret}y`)}` }), "a.bin"],
  ["the token of the attempt", (own) => ({ "a.txt": own }), "a.txt"],
  ["the token of the attempt in base64", (own) => ({ "a.txt": base64(own) }), "a.txt"],
  ["a token of an installation", () => ({ "log.txt": `x-access-token:ghs_7001_${"Ab3.".repeat(100)}@` }), "log.txt"],
  [
    "a secret where two pieces meet",
    () => ({ "big.txt": `${"x".repeat(1024 * 1024 - 9)}${webhookSecret}` }),
    "big.txt",
  ],
  ["a secret as a name", () => ({ [`a/${webhookSecret}`]: "" }), "The name of a file"],
])("a result with %s is not published, and its person learns which file it is", ([, filesOf, named]) =>
  world(async (w) => {
    const inside = await atWork(w);
    const own = inside.spec.env["PARHELIA_TOKEN"] ?? "";
    await inside.ends({ files: filesOf(own) });
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "failed" });
    expect(w.github.pulls("acme/widgets")).toEqual([]);
    expect(await w.github.branches("acme/widgets")).toEqual(["main"]);
    const said = w.said().join("\n");
    expect(said).toContain("holds a secret of this service");
    expect(said).toContain(named);
    for (const secret of [webhookSecret, own]) expect(said).not.toContain(secret);
  }),
);

test("what only looks like a secret is published", () =>
  world(async (w) => {
    const inside = await atWork(w);
    const lines = Array.from({ length: 27 }, (_, n) => `MIIE${String(n).padStart(60, "A")}`).join("\n");
    await inside.ends({
      files: {
        "fixtures/key.pem": `-----BEGIN PRIVATE KEY-----\n${lines}\n-----END PRIVATE KEY-----\n`,
        "fixtures/env": `KEY=sk-ant-api03-${"b".repeat(90)}\nTOKEN=pa_t_7k2m9x4q-1.${"a".repeat(43)}\nGH=ghs_placeholder\n`,
      },
    });
    await w.pass(30 * secondMs);
    expect(await w.task()).toMatchObject({ state: "succeeded" });
    expect(w.github.pulls("acme/widgets")).toHaveLength(1);
  }));
