/** The first word of a sandbox: its task runs, and where a GPU was asked for, the card that came is written down and priced. */
import type { Attempt } from "../core/attempt.ts";
import { ranOnWords } from "../core/card-words.ts";
import { cardsText, isAsAsked, readCard, type RanOn } from "../core/cards.ts";
import { askedOf } from "../core/machine.ts";
import { minus } from "../core/money.ts";
import { running } from "../core/moves.ts";
import type { Step } from "../core/next-step.ts";
import { attemptPut } from "../records/attempt.ts";
import { attemptOf, eventOf, type Done, type Look } from "./look.ts";
import type { Room } from "./room.ts";

export function markRunning(room: Room, look: Look, step: Extract<Step, { do: "run" }>): Done {
  const { task } = look;
  if (task.state !== "starting") return { due: look.now };
  const attempt = attemptOf(look);
  const ranOn = cardsOf(room, look, attempt);
  return {
    to: running(task, step.startedAt),
    due: look.now,
    ...(ranOn === undefined ? {} : { also: { put: [attemptPut({ ...attempt, ranOn })] } }),
    events: [eventOf(look, "info", "task_running", step.because), ...(ranOn === undefined ? [] : [tell(look, ranOn)])],
  };
}

/** Undefined where no GPU was asked for. */
function cardsOf({ sandboxes }: Room, { task, facts }: Look, attempt: Attempt): RanOn | undefined {
  const { resources } = task.spec;
  const lines = facts.heard?.cards;
  const asked = attempt.gpu ?? askedOf(resources, undefined).gpu;
  if (lines === undefined || asked === undefined) return undefined;
  const whole = sandboxes.pricePerHour({ ...resources, gpu: asked });
  const microUsdPerHour = minus(whole, sandboxes.pricePerHour({ ...resources, gpu: undefined }));
  return { asked, cards: lines.map(readCard), microUsdPerHour };
}

function tell(look: Look, ranOn: RanOn) {
  const level = isAsAsked(ranOn) ? "info" : "warning";
  const { asked, cards, microUsdPerHour } = ranOn;
  const details = { asked, cards: cardsText(cards), micro_usd_per_hour: microUsdPerHour };
  return { ...eventOf(look, level, "gpu_found", ranOnWords(ranOn)), details };
}
