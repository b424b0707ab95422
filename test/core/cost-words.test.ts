import { expect, test } from "vitest";
import { costWords } from "../../src/core/cost-words.ts";
import { microUsd, noMoney, usd } from "../../src/core/money.ts";
import type { TaskView } from "../../src/core/ports/forge.ts";
import { heard, succeeded } from "../github/ended-views.ts";
import { view } from "../github/views.ts";

const money = { spent: usd(1.12), model: usd(0.94) };
const details = (more: Partial<TaskView>): readonly string[] =>
  costWords(view(succeeded(), { ...money, ...more })).details;
const claimed = (amount: number) => details({ heard: { ...heard, claimed: microUsd(amount) } })[1];

test("the model and the sandbox, with its time and its price", () => {
  const { attempt } = view(succeeded());
  if (attempt === undefined) throw new Error("the view has no attempt");
  expect(costWords(view(succeeded(), { ...money, attempt: { ...attempt, microUsdPerHour: usd(0.36) } }))).toEqual({
    sum: "Cost: model $0.94, sandbox $0.18",
    details: [
      "$1.12 of its ceiling of $5.00",
      "Model calls: $0.94, as the service metered them",
      "Sandbox: $0.18, 30m at $0.36 an hour",
    ],
  });
  expect(details({ attempt: { ...attempt, microUsdPerHour: noMoney } })[2]).toBe("Sandbox: $0.18");
});

test("of several attempts the sum is told, of what cost nothing nothing", () => {
  const twice = view(succeeded({ attempts: 2 }), { ...money, heard: { ...heard, claimed: usd(5) } });
  expect(costWords(twice).details.slice(1)).toEqual([
    "Model calls: $0.94, as the service metered them",
    "Sandbox: $0.18 in 2 attempts",
  ]);
  expect(costWords(view(succeeded(), { spent: noMoney, model: noMoney })).details).toEqual([
    "$0.00 of its ceiling of $5.00",
  ]);
});

test("the agent's own sum is told where it is more than a hundredth away", () => {
  expect(claimed(940_000)).toBe("Model calls: $0.94, as the service metered them");
  expect(claimed(949_000)).toBe("Model calls: $0.94, as the service metered them");
  expect(claimed(950_000)).toBe("Model calls: $0.94, as the service metered them; the agent says $0.95");
  expect(claimed(0)).toBe("Model calls: $0.94, as the service metered them; the agent says $0.00");
});
