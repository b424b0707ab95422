/** The jobs of `[schedule]`: the same work that an operator does at a terminal, with its words kept for whoever has to mend it. */
import type { Config } from "../config.ts";
import { weeklyTag } from "../core/image.ts";
import type { Clock, Ids } from "../core/ports/clock.ts";
import type { Job, JobOutcome, Schedule } from "../core/ports/jobs.ts";
import type { Log } from "../core/ports/log.ts";
import type { Store } from "../core/ports/store.ts";
import { Refusal } from "../core/refusal.ts";
import { modalAccount } from "../from-config.ts";
import { imageCommand, type ImageWorld } from "../terminal/image.ts";
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
  const { image_rebuild: cron, time_zone: timeZone } = config.settings.schedule;
  const jobs: Job[] = [];
  if (cron !== undefined) {
    modalAccount(config);
    const open = (keep: (line: string) => void) =>
      openImageWorld(config, { ...around, by: "the schedule", say: keep, tell: keep });
    jobs.push({ name: "image-rebuild", times: { cron, timeZone }, run: () => rebuildImage(open) });
  }
  return { jobs, repository: config.settings.operator.repository };
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

const firstLine = ({ message }: Refusal): string => message.split("\n", 1).join("");
