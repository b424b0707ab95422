/** What the demonstration shows beside its conversation, each on demand: one file an act, and its line in `acts.ts`. */
import type { Paint } from "./show.ts";
import type { Screen } from "./conversation.ts";
import type { Check } from "./check.ts";
import type { BackendName } from "./backend.ts";
import type { Stage } from "./stage.ts";

/** Where an act is played, when the conversation on the issue is over. */
export interface Scene {
  readonly stage: Stage;
  readonly screen: Screen;
  readonly paint: Paint;
  /** The issue of the conversation. */
  readonly issue: number;
  /** For what a model has to do. */
  readonly withinMs: number;
  readonly signal: AbortSignal;
}

export interface Act {
  /** Without its dashes: `label` is asked for as `--label`. */
  readonly flag: string;
  /** What it shows, for the usage. */
  readonly summary: string;
  /** Where its sandboxes have to run, where that matters. */
  readonly on?: BackendName;
  /** What the service is told for it, beside the rest of its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Shows it, and answers what has to be true then. Throws where it cannot go on. */
  play(scene: Scene): Promise<readonly Check[]>;
}
