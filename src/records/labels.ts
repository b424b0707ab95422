/** What a label on an issue started last: one task at a time, however often it is put on meanwhile, and one for each time. */
import { z } from "zod";
import { TaskId, type DeliveryId } from "../core/ids.ts";
import { after, dayMs, Instant, secondMs } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded, type InState, type IssuePlace } from "../core/task.ts";
import { createEffects } from "./create-task.ts";
import { kept, keys } from "./document.ts";
import type { Request } from "./requests.ts";
import { join } from "./task-put.ts";
import { readTask } from "./read-task.ts";

/** Without a task where it meant nothing when it was put on. */
const Labelled = z.object({ task: TaskId.optional(), at: Instant });

const rememberedMs = 90 * dayMs;

/** The event of a label and the issue's own clock may say the next second. */
const sameMs = 2 * secondMs;

/** Whether it was put on another time than that. */
export const isLater = (one: Instant, than: Instant): boolean => one > than + sameMs;

/** Another replica may look at the same label. */
const triesAtOnce = 10;

export interface LabelStart {
  readonly place: IssuePlace;
  /** Its id, which stays when it is renamed. */
  readonly label: number;
  /** When it was put on. */
  readonly at: Instant;
  readonly task: InState<"queued">;
  readonly now: Instant;
  readonly op: string;
}

const keyOf = ({ place, label }: Pick<LabelStart, "place" | "label">): string =>
  keys.labelled(place.repository.id, place.number, label);

/** It means nothing here, and was looked at: from then on nobody need look again at what was put on until now. */
export async function passLabel(store: Store, passed: Omit<LabelStart, "task">): Promise<void> {
  const { at, now, op } = passed;
  const key = keyOf(passed);
  const put = { key, value: { at }, until: after(now, rememberedMs) };
  // Where a task of it is known, that says more.
  await store.commit({ op: `${op}/pass`, now, versions: [[key, 0]], put: [put] });
}

/** "known" where this time has had its task; "running" where that of an earlier time is not ended. */
export async function startByLabel(store: Store, start: LabelStart): Promise<"started" | "known" | "running"> {
  const { at, task, now, op } = start;
  const key = keyOf(start);
  for (let n = 0; n < triesAtOnce; n += 1) {
    const [document] = await store.look(now, [{ get: key }]);
    const before = kept(Labelled, document);
    if (before !== undefined && !isLater(at, before.value.at)) return "known";
    const running = before?.value.task && (await readTask(store, now, before.value.task));
    if (running !== undefined && !isEnded(running.value)) return "running";
    const put = { key, value: { task: task.id, at }, until: after(now, rememberedMs) };
    const { ok } = await store.commit({
      op: `${op}/${n}`,
      now,
      versions: [
        [key, before?.version ?? 0],
        [keys.task(task.id), 0],
      ],
      ...join({ put: [put] }, createEffects(task, now)),
    });
    if (ok) return "started";
  }
  throw new Error(`The label on ${key} changes too often to be taken.`);
}

/** A label that is there, and has not been looked at as far as anybody knows. */
export interface FoundLabel {
  readonly what: string;
  readonly delivery: DeliveryId;
  readonly request: Request;
}

export interface FoundLabels {
  readonly found: readonly FoundLabel[];
  /** Where to go on; undefined where everything was looked at. */
  readonly next: string | undefined;
  /** Called when they are written down. */
  written(): void;
}
