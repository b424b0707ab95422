/**
 * Whether the memory of a process grows with the work. A process that is killed every few seconds says nothing about that,
 * so in each half of the soak one replica is spared; what it holds when it is warm is compared with what it holds at the end.
 */
export interface Sample {
  readonly atS: number;
  /** Tasks that have ended by then, of the whole soak. */
  readonly tasks: number;
  readonly residentMiB: number;
  /** What it holds when all garbage is collected. */
  readonly heldMiB: number;
}

export interface Growth {
  /** Mean of the samples around a fifth of the time. */
  readonly fromMiB: number;
  /** Mean of the last tenth. */
  readonly toMiB: number;
  readonly perHundredTasksMiB: number;
}

export interface Life {
  readonly resident: Growth;
  readonly held: Growth;
  readonly seconds: number;
}

/** Undefined where there are too few samples to compare. */
export function lifeOf(samples: readonly Sample[]): Life | undefined {
  if (samples.length < 20) return undefined;
  return {
    resident: growthOf(samples, ({ residentMiB }) => residentMiB),
    held: growthOf(samples, ({ heldMiB }) => heldMiB),
    seconds: (samples.at(-1)?.atS ?? 0) - (samples[0]?.atS ?? 0),
  };
}

type Read = (sample: Sample) => number;

function growthOf(samples: readonly Sample[], read: Read): Growth {
  const warm = samples.slice(Math.floor(samples.length / 5));
  const tenth = Math.ceil(samples.length / 10);
  return {
    fromMiB: mean(warm.slice(0, tenth).map(read)),
    toMiB: mean(samples.slice(-tenth).map(read)),
    perHundredTasksMiB: 100 * slope(warm, read),
  };
}

const mean = (numbers: readonly number[]): number =>
  numbers.reduce((sum, each) => sum + each, 0) / Math.max(1, numbers.length);

/** Of the line that fits best, in MiB for each task. */
function slope(samples: readonly Sample[], read: Read): number {
  const tasks = mean(samples.map((each) => each.tasks));
  const memory = mean(samples.map(read));
  const above = samples.reduce((sum, each) => sum + (each.tasks - tasks) * (read(each) - memory), 0);
  const below = samples.reduce((sum, each) => sum + (each.tasks - tasks) ** 2, 0);
  return below === 0 ? 0 : above / below;
}
