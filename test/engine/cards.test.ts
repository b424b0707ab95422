/** The card that ran: its price is told before, and what came is told, priced and compared after. */
import { expect, test } from "vitest";
import { attemptId } from "../../src/core/ids.ts";
import { secondMs } from "../../src/core/instant.ts";
import { microUsd } from "../../src/core/money.ts";
import { readAttempt } from "../../src/records/attempt.ts";
import { listEvents } from "../../src/records/events.ts";
import { world, type World } from "../world/world.ts";

/** A task on this GPU, up to the moment at which its sandbox has named its cards. */
async function runOn(w: World, asked: string, cards: string[]) {
  for (const name of asked.split(",")) w.sandboxes.cards(name, "free");
  await w.comment(`/parhelia run --gpu ${asked} --budget $100 train it`);
  await w.dispatch();
  const before = w.said().at(-1) ?? "";
  const { id } = await w.task();
  await w
    .inside()
    .says(
      { type: "cards", level: cards.length === 0 ? "warning" : "info", cards, message: cards.join("; ") },
      { type: "runner_started", level: "info", message: "The sandbox is up" },
    );
  await w.pass(20 * secondMs);
  const [found] = (await listEvents(w.store, w.now(), { task: id, level: "info", limit: 100 })).filter(
    ({ event }) => event.type === "gpu_found",
  );
  return { before, during: w.said().at(-1) ?? "", found: found?.event, id };
}

const finish = async (w: World): Promise<string> => {
  await w.inside().ends();
  await w.pass(30 * secondMs);
  return w.said().at(-1) ?? "";
};

test("the report says what a GPU costs before it runs, and which card ran at what price after", () =>
  world(async (w) => {
    const { before, during, found, id } = await runOn(w, "A100", ["NVIDIA A100-SXM4-40GB, 40960 MiB"]);
    expect(before).toContain("GPU A100 asked for; its sandbox costs $2.46 an hour");
    const ran = "GPU A100 asked for, ran on NVIDIA A100-SXM4-40GB (40 GB) at $2.10 an hour";
    expect(during).toContain(ran);
    expect(found).toMatchObject({ level: "info", message: ran, details: { micro_usd_per_hour: 2_098_800 } });
    const attempt = await readAttempt(w.store, w.now(), attemptId(id, 1));
    expect(attempt?.value.ranOn).toEqual({
      asked: "A100",
      cards: [{ name: "NVIDIA A100-SXM4-40GB", memoryMiB: 40_960 }],
      microUsdPerHour: microUsd(2_098_800),
    });
    expect(await finish(w)).toContain(ran);
    await w.comment("/parhelia status");
    await w.dispatch();
    expect(w.said().at(-1)).toContain(ran);
  }));

test("a better card that Modal gives costs what was asked for, and is no warning", () =>
  world(async (w) => {
    const { found, during } = await runOn(w, "H100", ["NVIDIA H200, 143771 MiB"]);
    expect(found?.level).toBe("info");
    expect(during).toContain("GPU H100 asked for, ran on NVIDIA H200 (140 GB) at $3.95 an hour");
    await finish(w);
  }));

test("another card, or fewer of them, is a warning that the report repeats", () =>
  world(async (w) => {
    const { found, during } = await runOn(w, "H100:2", ["NVIDIA H100 80GB HBM3, 81559 MiB"]);
    const words = "GPU H100:2 asked for, ran on NVIDIA H100 80GB HBM3 (80 GB) at $7.90 an hour: not what was asked for";
    expect(found).toMatchObject({ level: "warning", message: words });
    expect(during).toContain(words);
    await finish(w);
  }));

test("of several GPUs the one that came is told, and what the sandbox says of its cards later changes nothing", () =>
  world(async (w) => {
    w.sandboxes.cards("H100", "taken");
    const { before, during } = await runOn(w, "T4,H100", ["Tesla T4, 15360 MiB"]);
    expect(before).toContain("GPU T4 or H100 asked for");
    expect(during).toContain("GPU T4 asked for, ran on Tesla T4 (15 GB) at $0.59 an hour");
    await w.inside().says({ type: "cards", level: "info", cards: ["NVIDIA H200, 143771 MiB"], message: "@octocat" });
    await w.pass(30 * secondMs);
    expect(await finish(w)).toContain("ran on Tesla T4 (15 GB)");
  }));

test("a card's name is text and nothing else", () =>
  world(async (w) => {
    const { during } = await runOn(w, "T4", ["**@octocat** <img src=x> [a](https://evil.example), 15360 MiB"]);
    expect(during).toContain(
      "ran on \\*\\*@\u200boctocat\\*\\* \\<img src=x> \\[a\\](https:\u200b//evil.example) (15 GB)",
    );
    await finish(w);
  }));
