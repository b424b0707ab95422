/**
 * A label that was put on an issue or a pull request: if it starts something here, and is still there, it becomes a task of
 * whoever put it there, and is taken off, so that putting it on again asks again.
 */
import { isListedBot } from "../core/settings/applied.ts";
import { labelSpec } from "../core/settings/label-spec.ts";
import { defaultSettings, labelNamed, type Settings } from "../core/settings/settings.ts";
import type { Forge } from "../core/ports/forge.ts";
import { Refusal } from "../core/refusal.ts";
import type { Place } from "../core/task.ts";
import { isLater, passLabel, startByLabel } from "../records/labels.ts";
import type { LabelAsk, Request } from "../records/requests.ts";
import type { Context } from "./execute.ts";
import { toTask } from "./run.ts";

type Around = Pick<Context, "store" | "ids" | "defaults" | "now" | "op"> & {
  readonly forge: Pick<Forge, "settings" | "labelOn" | "removeLabel">;
};

export async function takeLabel({ place, actor }: Request, asked: LabelAsk, around: Around): Promise<void> {
  const { store, forge, ids, defaults, now, op } = around;
  if (place.kind !== "issue") return;
  const settings = await settingsOf(forge, place);
  const label = labelNamed(settings, asked.name);
  if (label === undefined) {
    // Settings that name it later start nothing of what was there before them.
    await passLabel(store, { place, label: asked.id, at: asked.at, now, op });
    return;
  }
  const spec = labelSpec(label, { title: asked.title, body: asked.body, defaults });
  // Other bots get no word: two that fight over a label would each be answered for ever.
  if (asked.bot === true && !isListedBot(actor.id, spec, settings)) return;
  const on = await forge.labelOn(place, asked.name);
  // Taken off before anybody looked: withdrawn. And where somebody else put it on again, or later, that is asked for by itself.
  if (on === undefined || (on !== "somebody" && (on.by !== actor.id || isLater(on.at, asked.at)))) return;
  const origin = { place, actor, label: asked.name, ...(asked.bot === true ? { bot: true as const } : {}) };
  const task = toTask({ id: ids.task(), origin, spec, now });
  await startByLabel(store, { place, label: asked.id, at: asked.at, task, now, op });
  await forge.removeLabel(place, asked.name);
}

/** Where the file cannot be used, what it may have said of labels is not known: the task of a known one is refused with the line. */
async function settingsOf(forge: Pick<Forge, "settings">, place: Place): Promise<Settings> {
  try {
    return await forge.settings(place);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return defaultSettings();
  }
}
