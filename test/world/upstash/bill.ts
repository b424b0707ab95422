/** What Upstash would bill: commands, and bytes. Only names of commands are kept, never a key or a value. */

export interface Bill {
  /** Every command that reached Redis, also one of a pipeline, and one that Redis refused; what a script does inside is free. Beginning a stream is a SUBSCRIBE. */
  readonly commands: number;
  /** The same by name, in upper case. */
  readonly byName: Readonly<Record<string, number>>;
  /** HTTP requests of any kind. */
  readonly requests: number;
  /** Of requests' bodies. */
  readonly bytesIn: number;
  /** Of answers' bodies and of streams. */
  readonly bytesOut: number;
}

/** A live one, which counts on while one looks. */
export interface Billed extends Bill {
  /** What it says now, to compare with later. */
  now(): Bill;
  /** Back to nothing. */
  reset(): void;
}

/** The stand-in's own side of it. */
export interface Meter {
  readonly billed: Billed;
  request(bytes: number): void;
  answer(bytes: number): void;
  command(name: string): void;
}

const nothing = (): Bill & { byName: Record<string, number> } => ({
  commands: 0,
  byName: {},
  requests: 0,
  bytesIn: 0,
  bytesOut: 0,
});

export function openMeter(): Meter {
  let bill: { -readonly [K in keyof Bill]: Bill[K] } & { byName: Record<string, number> } = nothing();
  return {
    billed: {
      get commands() {
        return bill.commands;
      },
      get byName() {
        return { ...bill.byName };
      },
      get requests() {
        return bill.requests;
      },
      get bytesIn() {
        return bill.bytesIn;
      },
      get bytesOut() {
        return bill.bytesOut;
      },
      now: () => ({ ...bill, byName: { ...bill.byName } }),
      reset() {
        bill = nothing();
      },
    },
    request(bytes) {
      bill.requests += 1;
      bill.bytesIn += bytes;
    },
    answer(bytes) {
      bill.bytesOut += bytes;
    },
    command(name) {
      const known = name.toUpperCase();
      bill.commands += 1;
      bill.byName[known] = (bill.byName[known] ?? 0) + 1;
    },
  };
}
