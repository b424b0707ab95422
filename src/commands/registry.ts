/** Every command, once. What comments, terminals, AI clients and the help text know follows from this list. */
import { budgetExport } from "./budget-export.ts";
import { budgetForecast } from "./budget-forecast.ts";
import { budgetHistory } from "./budget-history.ts";
import { budgetReset } from "./budget-reset.ts";
import { budgetSet } from "./budget-set.ts";
import { approve } from "./approve.ts";
import { budget } from "./budget.ts";
import { cancel } from "./cancel.ts";
import type { Misfit } from "./command.ts";
import { estimate } from "./estimate.ts";
import { help } from "./help.ts";
import { pricing } from "./pricing.ts";
import { publish } from "./publish.ts";
import { reject } from "./reject.ts";
import { retry } from "./retry.ts";
import { run } from "./run.ts";
import { status } from "./status.ts";

/** In the order of the help text. */
export const commands = [
  run,
  estimate,
  status,
  cancel,
  retry,
  publish,
  approve,
  reject,
  budget,
  budgetHistory,
  budgetForecast,
  budgetSet,
  budgetReset,
  budgetExport,
  pricing,
  help,
] as const;

export type AnyCommand = (typeof commands)[number];

/** One of them by its name, and its input as JSON. */
export type Asked = Exclude<ReturnType<AnyCommand["check"]>, Misfit>;
