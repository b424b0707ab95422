/** Watching one task from a terminal: a line that renews itself where there is one, plain lines where there is none. */
import { decideWords, wantsWord } from "../core/approval-words.ts";
import { headline } from "../core/headline.ts";
import type { TaskId } from "../core/ids.ts";
import { secondMs } from "../core/instant.ts";
import { plain } from "../core/markdown.ts";
import type { Clock } from "../core/ports/clock.ts";
import type { TaskView } from "../core/ports/forge.ts";
import type { Store } from "../core/ports/store.ts";
import { isEnded } from "../core/task.ts";
import { readTask } from "../records/read-task.ts";
import { readView } from "../records/read-view.ts";
import { taskTopic } from "../records/task-put.ts";
import { forTerminal } from "./words.ts";

export interface Screen {
  readonly isTerminal: boolean;
  write(text: string): void;
}

/** Resolves with the ended task. */
export async function watchTask(world: { store: Store; clock: Clock; screen: Screen }, id: TaskId): Promise<TaskView> {
  const { store, clock, screen } = world;
  const show = progress(screen);
  for (;;) {
    const news = nextNews(store, id);
    const now = clock.now();
    const task = await readTask(store, now, id);
    if (task === undefined) throw new Error(`The task ${id} is gone.`);
    const view = await readView(store, now, task.value);
    show(view);
    if (isEnded(task.value)) {
      news.stop();
      return view;
    }
    await news.arrived;
  }
}

/** A wake, or a second: the clock shows too. */
function nextNews(store: Store, id: TaskId): { arrived: Promise<void>; stop: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  const unlisten = store.onWake((topic) => {
    if (topic === taskTopic(id) || topic === "*") resolve();
  });
  const timer = setTimeout(resolve, secondMs);
  const stop = (): void => {
    clearTimeout(timer);
    unlisten();
    resolve();
  };
  return { arrived: promise.then(stop), stop };
}

function progress(screen: Screen): (view: TaskView) => void {
  let shown = "";
  let isAsked = false;
  return (view) => {
    const { mark, text } = headline(view);
    // Once, above the line that goes on: whoever watches may be who decides.
    if (wantsWord(view.task) && !isAsked)
      screen.write(`${screen.isTerminal ? "\r\u001b[K" : ""}${forTerminal(decideWords(view.task))}\n`);
    isAsked = wantsWord(view.task);
    const last = view.heard?.doing.at(-1);
    const doing = last === undefined || isEnded(view.task) ? "" : ` · ${last}`;
    const line = `${mark} ${forTerminal(plain(`${text}${doing}`))}`;
    if (screen.isTerminal) {
      // Back to the start of the line, and away with what is longer.
      screen.write(`\r${line.slice(0, 110)}\u001b[K${isEnded(view.task) ? "\n" : ""}`);
      return;
    }
    const key = `${view.task.state}${doing}`;
    if (key !== shown) screen.write(`${line}\n`);
    shown = key;
  };
}
