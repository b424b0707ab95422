/** Runs of workflows as GitHub tells of them: written down before the delivery is acknowledged, and no call is made here. */
import type { Probot } from "probot";
import type { Ids } from "../../core/ports/clock.ts";
import { hearRuns } from "../../records/failures.ts";
import type { IntakeOptions } from "../intake.ts";
import { runFrom } from "./run.ts";

type Options = Pick<IntakeOptions, "store" | "clock" | "log" | "installations"> & { readonly ids: Pick<Ids, "unique"> };

export function registerFailuresIntake(probot: Probot, { store, clock, ids, log, installations }: Options): void {
  probot.on("workflow_run.completed", async ({ id, payload }) => {
    const { workflow_run: told, repository } = payload;
    const installation = payload.installation?.id;
    if (installation === undefined || !installations.has(installation)) return;
    const heard = runFrom({ installation, repository }, told);
    if (heard === undefined) return;
    const { workflow, run } = heard;
    const outcome = await hearRuns(store, ids, { workflow, runs: [run], now: clock.now() });
    log.info({ delivery: id, what: `run/${told.id}`, conclusion: told.conclusion, outcome }, "delivery");
  });
}
