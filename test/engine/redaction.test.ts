/** What a sandbox says is redacted where it enters, so that no output path has to remember it. */
import { expect, test } from "vitest";
import { minuteMs, secondMs } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { world } from "../world/world.ts";

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
