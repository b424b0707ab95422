/** How the jobs of the schedule stand. One service at a time does one of them, under one lease. */
import { JobRecord, type JobName } from "../core/schedule.ts";
import type { Event } from "../core/event.ts";
import type { Instant } from "../core/instant.ts";
import type { Store } from "../core/ports/store.ts";
import { kept, keys, type Kept } from "./document.ts";
import { eventAppends } from "./events.ts";
import { underLease, type Lease, type LeaseAsk } from "./lease.ts";

export type Jobs = ReadonlyMap<JobName, Kept<JobRecord>>;

const asked = (names: readonly JobName[]) => names.map((name) => ({ get: keys.job(name) }));

const read = (names: readonly JobName[], documents: Parameters<typeof kept>[1][]): Jobs =>
  new Map(
    names.flatMap((name, place) => {
      const record = kept(JobRecord, documents[place]);
      return record === undefined ? [] : [[name, record] as const];
    }),
  );

/** Without those that no service has met yet. */
export const readJobs = async (store: Store, now: Instant, names: readonly JobName[]): Promise<Jobs> =>
  read(names, await store.look(now, asked(names)));

/** What was due before a job was first met is none of its business. */
export async function meetJobs(
  store: Store,
  names: readonly JobName[],
  { now, op }: { now: Instant; op: string },
): Promise<void> {
  for (const name of names)
    await store.commit({
      op: `${op}/${name}`,
      now,
      versions: [[keys.job(name), 0]],
      put: [{ key: keys.job(name), value: { handledTo: now } }],
    });
}

export interface JobTurn {
  readonly name: JobName;
  readonly record: Kept<JobRecord>;
  readonly lease: Lease;
}

/** The job that `choose` takes of them as they stand under the lease; undefined where another service does one, or none is due. */
export const takeJob = (
  store: Store,
  ask: LeaseAsk,
  { names, choose }: { names: readonly JobName[]; choose: (jobs: Jobs) => JobName | undefined },
): Promise<JobTurn | undefined> =>
  underLease(store, ask, {
    name: "schedule",
    asked: asked(names),
    async read(lease, documents) {
      const jobs = read(names, documents);
      const name = choose(jobs);
      const record = name === undefined ? undefined : jobs.get(name);
      return name === undefined || record === undefined ? undefined : { name, record, lease };
    },
  });

interface Ask {
  readonly next: JobRecord;
  readonly events: readonly Event[];
  readonly now: Instant;
  readonly op: string;
}

/** Undefined where another service has the lease by now. */
export async function keepJob(store: Store, turn: JobTurn, ask: Ask): Promise<JobTurn | undefined> {
  const result = await write(store, turn, { ...ask, act: "hold" });
  return result ? { ...turn, record: { value: ask.next, version: turn.record.version + 1 } } : undefined;
}

/** With it the lease is given back. False where another service has it by now. */
export const endJob = (store: Store, turn: JobTurn, ask: Ask): Promise<boolean> =>
  write(store, turn, { ...ask, act: "release" });

async function write(
  store: Store,
  { name, record, lease }: JobTurn,
  { next, events, now, op, act }: Ask & { act: "hold" | "release" },
): Promise<boolean> {
  const result = await store.commit({
    op,
    now,
    leases: [{ ...lease, act }],
    versions: [[keys.job(name), record.version]],
    put: [{ key: keys.job(name), value: next }],
    append: eventAppends(events),
  });
  return result.ok;
}
