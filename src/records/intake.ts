/**
 * Intake: a delivery, what it says, the tasks it starts and their first events are one commit. GitHub may deliver the same
 * words many times, by several hooks: each later copy finds the first and changes nothing.
 */
import { dayMs, after, type Instant } from "../core/instant.ts";
import type { DeliveryId, InstallationId } from "../core/ids.ts";
import type { Store } from "../core/ports/store.ts";
import type { InState } from "../core/task.ts";
import { createEffects } from "./create-task.ts";
import { keys } from "./document.ts";
import { requestPut, type Request } from "./requests.ts";
import { dueTopic, join } from "./task-put.ts";

/** GitHub redelivers for three days. */
const deliveriesKeptMs = 7 * dayMs;
const wordsKeptMs = 90 * dayMs;

export interface Intake {
  readonly delivery: DeliveryId;
  readonly installation: InstallationId;
  /** The words themselves, whichever hook brought them: `comment/900`, `issue/77`, `edit/900`. */
  readonly what: string;
  readonly tasks: readonly InState<"queued">[];
  readonly request: Request | undefined;
  readonly now: Instant;
}

export async function takeIn(store: Store, intake: Intake): Promise<"kept" | "seen"> {
  const delivery = keys.delivery(intake.delivery);
  const said = keys.said(intake.installation, intake.what);
  const effects = join(
    {
      put: [
        { key: delivery, value: { at: intake.now }, until: after(intake.now, deliveriesKeptMs) },
        { key: said, value: { delivery: intake.delivery }, until: after(intake.now, wordsKeptMs) },
      ],
    },
    ...intake.tasks.map((task) => createEffects(task, intake.now)),
    intake.request === undefined ? {} : { put: [requestPut(intake.request, intake.now)], wake: [dueTopic] },
  );
  const result = await store.commit({
    op: `intake/${intake.delivery}/${intake.what}`,
    now: intake.now,
    versions: [[delivery, 0], [said, 0], ...intake.tasks.map((task) => [keys.task(task.id), 0] as const)],
    ...effects,
  });
  return result.ok ? "kept" : "seen";
}
