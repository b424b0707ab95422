/**
 * Admission: the asker may, by GitHub and by the repository's settings; the backend can; the base is pinned; and what it
 * will likely cost needs nobody's word. Nothing is asked of GitHub before this.
 */
import { approvalWords, confirmWords } from "../core/approval-words.ts";
import { estimateOf, likelyCost, type Estimate } from "../core/estimate.ts";
import type { MicroUsd } from "../core/money.ts";
import { admitted, wantsApproval, type Admission } from "../core/moves.ts";
import { policyFrom } from "../core/policy.ts";
import { Refusal } from "../core/refusal.ts";
import { notPermitted, permits } from "../core/role.ts";
import { applied, confirmAbove, loweredBy } from "../core/settings/applied.ts";
import { settingsPath } from "../core/settings/schema.ts";
import { repositoryName, type Spec, type Task } from "../core/task.ts";
import { requestPut } from "../records/requests.ts";
import { similarRuns } from "../records/similar-tasks.ts";
import type { Room } from "./room.ts";
import { eventOf, type Done, type Look } from "./look.ts";

/** The right that starting work needs, whatever a repository's settings say. */
const needed = "write";

const noImagesHere = `\`sandbox.image\` in \`${settingsPath}\` names an image, and images need Modal: this Parhelia runs its work on its own machine, with the programs there. Remove the key, or ask the operator for \`sandbox.backend = "modal"\`.`;

export async function admit(room: Room, look: Look): Promise<Done> {
  const { task } = look;
  const { limits, forge, store } = room;
  const settings = await forge.settings(task.origin.place);
  const spec = await mayStart(room, task, settings);
  room.sandboxes.accept(spec.resources);
  if (spec.image !== undefined && room.sandboxes.backend === "local") throw new Refusal(noImagesHere);
  // A retry starts from the base that it had.
  const base = task.base ?? (await forge.pin(task));
  const now = room.clock.now();
  const confirm = confirmAbove(settings, limits.confirmAbove);
  const needsEstimate = confirm !== undefined || spec.resources.gpu !== undefined;
  const past = needsEstimate ? await similarRuns(store, now, { place: task.origin.place, spec }) : [];
  const estimate = estimateOf(spec, past, room.sandboxes.pricePerHour(spec.resources));
  const admission: Admission = {
    base,
    spec,
    lowered: loweredBy(settings),
    policy: policyFrom(settings, task),
    ...(needsEstimate ? { estimate: shortly(estimate) } : {}),
  };
  const likely = likelyCost(estimate);
  if (confirm !== undefined && likely > confirm && !(task.approval !== undefined && likely <= task.approval.upTo))
    return ask(look, admission, { likely, confirm, now });
  return {
    to: admitted(task, admission, now),
    due: null,
    events: [eventOf(look, "info", "task_admitted", `starts from ${base.sha.slice(0, 7)} (${base.ref})`)],
  };
}

function shortly(estimate: Estimate): NonNullable<Task["estimate"]> {
  const { runs, cost, most } = estimate;
  return { runs, from: cost?.p50 ?? most, to: cost?.p90 ?? most, likely: likelyCost(estimate) };
}

/** It waits until somebody agrees; who can is told in a comment of its own, once. */
function ask(look: Look, admission: Admission, cost: { likely: MicroUsd; confirm: MicroUsd; now: Look["now"] }): Done {
  const { task } = look;
  const { now } = cost;
  const because = confirmWords(cost);
  const request = {
    // One that is rejected and asked for again is told of again.
    id: `approval-${task.id}-${now}`,
    place: task.origin.place,
    actor: task.origin.actor,
    says: [{ words: approvalWords(task, cost) }],
    newest: null,
    createdAt: now,
    tries: 0,
  };
  return {
    to: wantsApproval(task, admission, { because, now }),
    due: null,
    also: { put: [requestPut(request, now)] },
    events: [eventOf(look, "warning", "task_wants_approval", because)],
  };
}

/** Asked at admission and again when a slot is free: rights may be taken away while a task waits. */
export async function mayStart(room: Room, task: Task, settings?: Parameters<typeof applied>[1]): Promise<Spec> {
  const { place, actor, bot } = task.origin;
  const where = repositoryName(place);
  // GitHub knows no role of a bot; the settings list it by its id.
  const held = bot === true ? "none" : await room.forge.authority(place, actor);
  if (bot !== true && !permits(held, needed))
    throw new Refusal(notPermitted({ what: "run", needs: needed, held, where }));
  if (settings === undefined) return task.spec;
  const named = new Set(task.spec.named ?? []);
  const by = { id: actor.id, role: held, kind: bot === true ? "bot" : "person" } as const;
  const spec = applied({ spec: task.spec, named, by, where }, settings, room.limits);
  if (spec instanceof Refusal) throw spec;
  return spec;
}
