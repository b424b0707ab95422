/**
 * One life of the service in a test's process. All that it asks of the world goes through here, numbered in order; from
 * its death on, in the middle of a call or not, nothing it does has an effect and nothing it waits for comes.
 */
export interface Moment {
  /** The number of the call, from 1. */
  readonly nth: number;
  /** Whether the world has carried the call out when the service dies. */
  readonly when: "before" | "after";
}

export interface Life {
  /** What was called, in order: `commit`, `POST /repos/acme/widgets/pulls`, `sandbox create`. */
  readonly calls: readonly string[];
  readonly isOver: boolean;
  /** Resolves at the death. */
  readonly over: Promise<void>;
  end(): void;
  /** Passes a call on while the service lives. */
  call<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** Something that only reads: it is no moment to die at, but a dead service does not even read. */
  read<T>(work: () => Promise<T>): Promise<T>;
}

const never = <T>(): Promise<T> => new Promise(() => undefined);

export function beginLife(death?: Moment): Life {
  const calls: string[] = [];
  const { promise: over, resolve } = Promise.withResolvers<void>();
  let isOver = false;
  const end = (): void => {
    isOver = true;
    resolve();
  };
  const settle = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      const answer = await work();
      return isOver ? await never<T>() : answer;
    } catch (error) {
      if (isOver) return never();
      throw error;
    }
  };
  return {
    calls,
    get isOver() {
      return isOver;
    },
    over,
    end,
    async call(name, work) {
      if (isOver) return never();
      calls.push(name);
      const isTheLast = calls.length === death?.nth;
      if (isTheLast && death.when === "before") {
        end();
        return never();
      }
      if (isTheLast) {
        // Carried out, but its answer reaches nobody.
        await work().catch(() => undefined);
        end();
        return never();
      }
      return settle(work);
    },
    read: (work) => (isOver ? never() : settle(work)),
  };
}
