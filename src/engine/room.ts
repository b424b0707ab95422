/** What every step of the engine works with. Steps change nothing but through these. */
import type { AlertSettings } from "../core/alerts.ts";
import type { Budgets } from "../core/budget.ts";
import type { AttemptTokens, Clock, Ids } from "../core/ports/clock.ts";
import type { Forge } from "../core/ports/forge.ts";
import type { Log } from "../core/ports/log.ts";
import type { OperatorChannel } from "../core/ports/notices.ts";
import type { Schedule } from "../core/ports/jobs.ts";
import type { Sandboxes } from "../core/ports/sandboxes.ts";
import type { Store } from "../core/ports/store.ts";
import type { Workflows } from "../core/ports/workflows.ts";
import type { MicroUsd } from "../core/money.ts";
import type { Network } from "../core/network.ts";
import type { Redact } from "../core/redact.ts";
import type { FoundLabels } from "../records/labels.ts";
import type { Request } from "../records/requests.ts";

export interface Limits {
  /** Sandboxes that may live at once. */
  readonly maxSandboxes: number;
  /** What may be spent, by whom and in what time. */
  readonly budgets: Budgets;
  /** Models that may be used. */
  readonly models: readonly string[];
  /** What a sandbox may reach at most. */
  readonly network: Network;
  /** Secrets that repositories may have, as `owner/name:SECRET`; undefined where the backend has none. */
  readonly secrets: readonly string[] | undefined;
  /** A task that will likely cost more waits for a maintainer's word; undefined where nobody asks for that. */
  readonly confirmAbove: MicroUsd | undefined;
  /** How long a task may wait for a machine that is free. */
  readonly maxWaitMs: number;
  /** How long ended tasks and their events are kept. */
  readonly keptMs: number;
}

/** Of what the operator is told, and where; with no channel it is an event and a line of the log. */
export interface Operator {
  readonly channels: readonly OperatorChannel[];
  readonly alerts: AlertSettings;
}

export interface Room {
  readonly store: Store;
  readonly sandboxes: Sandboxes;
  readonly forge: Forge;
  /** Absent where no GitHub is connected. */
  readonly workflows: Workflows | undefined;
  /** Labels that no delivery told of, in a part of all places; from the beginning where nothing is given. Rejects with `Busy`. */
  readonly labels: ((from: string | undefined) => Promise<FoundLabels>) | undefined;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly tokens: AttemptTokens;
  readonly limits: Limits;
  readonly operator: Operator;
  readonly schedule: Schedule;
  /** argv that fetches the runner and becomes it. */
  readonly boot: readonly string[];
  /** What every sandbox's environment holds beside its own address and token: where its agent is, how it is isolated. */
  readonly sandboxEnv: Readonly<Record<string, string>>;
  /** Names this engine among those that hold leases. */
  readonly holder: string;
  readonly log: Log;
  /** Takes out what nobody may see. */
  readonly redact: Redact;
  /** Carries out what a request says and gives the words of the answer, in Markdown. */
  answer(request: Request): Promise<string>;
}
