/** A run of `parhelia e2e` on the account of the configuration, for whoever asks: an operator, a workflow or the schedule. */
import type { Config } from "../../config.ts";
import type { Clock, Ids } from "../../core/ports/clock.ts";
import type { Log } from "../../core/ports/log.ts";
import { modalAccount, pricesOf } from "../../from-config.ts";
import { bundleRunner } from "../../gateway/runner-bundle.ts";
import { pinnedClaudeCode } from "../pinned.ts";
import type { Level } from "./facts.ts";
import { longestMs, runE2e, type E2eOutcome } from "./run.ts";

export interface Around {
  readonly clock: Clock;
  readonly ids: Pick<Ids, "task">;
  readonly log: Log;
  /** Ends it before its own time is up. */
  readonly signal: AbortSignal;
  /** Hears of each step when it is done. */
  tell(line: string): void;
}

/** Both have to answer wherever the network is open. */
const places = { listed: "https://github.com/", other: "https://example.com/" };

/** Throws a `ConfigError` where the configuration has no account, and a `Refusal` where Modal does not take it. */
export function e2eOnAccount(
  config: Config,
  level: Level,
  { log, ids, signal, ...around }: Around,
): Promise<E2eOutcome> {
  return runE2e(level, {
    ...around,
    account: { ...modalAccount(config), log },
    prices: pricesOf(config),
    run: ids.task().slice("t_".length),
    claudeCode: pinnedClaudeCode(),
    runner: bundleRunner(),
    places,
    signal: AbortSignal.any([signal, AbortSignal.timeout(longestMs)]),
  });
}
