/** Views of tasks at an issue of the stand-in, as the engine would hand them over for a report. */
import { usd } from "../../src/core/money.ts";
import type { ReportPlace, TaskView } from "../../src/core/ports/forge.ts";
import type { InState, IssuePlace } from "../../src/core/task.ts";
import { originAt, widgets, type ForgeWorld } from "./forge-world.ts";
import { finding, running, shared, view } from "./views.ts";

export const nothing: ReportPlace = { checks: {} };
export const comments = { method: "POST", path: /\/issues\/\d+\/comments$/ };

export const working = (at: IssuePlace, world: ForgeWorld): TaskView =>
  view(running({ origin: originAt(at) }), { now: world.clock.now() });

export function done(at: IssuePlace, world: ForgeWorld, more: Partial<InState<"succeeded">> = {}): TaskView {
  const task: InState<"succeeded"> = {
    ...shared({ origin: originAt(at) }),
    state: "succeeded",
    startedAt: running().startedAt,
    endedAt: world.clock.now(),
    finding: finding({ summary: "It works now." }),
    ...more,
  };
  return view(task, { now: world.clock.now(), spent: usd(1.12), model: usd(1) });
}

export const openIssue = (world: ForgeWorld): IssuePlace =>
  world.at(world.github.as("dana").openIssue(widgets, "It breaks"));
