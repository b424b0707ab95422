/** What a start is held against where a test has no service around its commands. */
import type { StartLimits } from "../../src/commands/command.ts";
import { usd } from "../../src/core/money.ts";
import { pricedModels } from "../../src/core/pricing.ts";
import { defaultSettings, type Settings } from "../../src/core/settings/settings.ts";

export const startLimits: StartLimits = {
  maxSandboxes: 10,
  models: pricedModels(),
  network: { reaches: "list", hosts: [] },
  secrets: undefined,
  confirmAbove: undefined,
  pricePerHour: () => usd(0.36),
  accept: () => undefined,
};

/** A repository without a file of settings. */
export const settings = async (): Promise<Settings> => defaultSettings();
