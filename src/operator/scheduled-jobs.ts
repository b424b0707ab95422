/** The jobs of `[schedule]`: the same work that an operator does at a terminal, with its words kept for whoever has to mend it. */
import type { Config } from "../config.ts";
import { weeklyTag } from "../core/image.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Job, JobOutcome, Schedule } from "../core/ports/jobs.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import { dollars } from "../core/money.ts";
import { Refusal } from "../core/refusal.ts";
import { JobName } from "../core/schedule.ts";
import { modalAccount } from "../from-config.ts";
import { imageCommand, type ImageWorld } from "../terminal/image.ts";
import type { E2eOutcome } from "./e2e/run.ts";
import { openImageWorld } from "./image-world.ts";

interface Around {
  readonly store: Store;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly log: Log;
}

export const noSchedule: Schedule = { jobs: [], repository: undefined };

/** Throws a `ConfigError` where something is to be done on Modal and the account is not in the configuration. */
export function openSchedule(config: Config, around: Around): Schedule {
  const open = (keep: (line: string) => void) =>
    openImageWorld(config, { ...around, by: "the schedule", say: keep, tell: keep });
  const run: Readonly<Record<JobName, Job["run"]>> = {
    "image-rebuild": () => rebuildImage(open),
    e2e: () => tryAccount(() => e2eNow(config, around)),
  };
  const jobs = timesOf(config).map(({ name, times }) => ({ name, times, run: run[name] }));
  if (jobs.length > 0) modalAccount(config);
  return { jobs, repository: config.settings.operator.repository };
}

/** Of the jobs that the settings ask for. */
export function timesOf({ settings }: Config): Omit<Job, "run">[] {
  const { image_rebuild: rebuild, e2e, time_zone: timeZone } = settings.schedule;
  const all = { "image-rebuild": rebuild, e2e } as const;
  return JobName.options.flatMap((name) => {
    const cron = all[name];
    return cron === undefined ? [] : [{ name, times: { cron, timeZone } }];
  });
}

type OpenWorld = (keep: (line: string) => void) => Promise<ImageWorld>;

/** Builds the image of this week anew, tries it, and makes it live. */
export async function rebuildImage(open: OpenWorld): Promise<JobOutcome> {
  const lines: string[] = [];
  const world = await open((line) => void lines.push(line));
  const tag = weeklyTag(world.clock.now());
  const steps = [
    { step: "build and try", asked: { kind: "build", tag, replaces: "its tag" } },
    { step: "promote", asked: { kind: "promote", tag } },
  ] as const;
  try {
    for (const { step, asked } of steps) {
      try {
        await imageCommand(asked, world);
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        const log = [...lines, error.message].join("\n");
        return { outcome: "failure", words: firstLine(error), failing: [{ job: "image-rebuild", step }], log };
      }
    }
  } finally {
    world.images.close();
  }
  return { outcome: "passed", words: `image ${tag} is live`, failing: [], log: lines.join("\n") };
}

async function e2eNow(config: Config, around: Around): Promise<E2eOutcome> {
  // Loaded where it is needed: Modal's client is larger than all the rest.
  const { e2eOnAccount } = await import("./e2e/on-account.ts");
  // Its own time ends it; its outcome tells of each step.
  return e2eOnAccount(config, "core", { ...around, signal: new AbortController().signal, tell: () => undefined });
}

/** What a run on the account came to; what was not tried fell with a step that failed. */
export async function tryAccount(attempt: () => Promise<E2eOutcome>): Promise<JobOutcome> {
  const { passed, level, steps, cost } = await attempt();
  const log = steps.map(({ name, outcome, because }) => `${outcome}: ${name}${because && ` (${because})`}`).join("\n");
  const common = { log, level };
  if (passed)
    return { ...common, outcome: "passed", words: `level ${level} holds and cost ${dollars(cost)}`, failing: [] };
  const failed = steps.filter(({ outcome }) => outcome === "failed");
  const [first] = failed.length > 0 ? failed : steps.filter(({ outcome }) => outcome === "not tried");
  const words =
    first === undefined ? `level ${level} does not hold` : `${first.name}: ${first.because.split("\n", 1).join("")}`;
  return { ...common, outcome: "failure", words, failing: failed.map(({ name }) => ({ job: "e2e", step: name })) };
}

const firstLine = ({ message }: Refusal): string => message.split("\n", 1).join("");
