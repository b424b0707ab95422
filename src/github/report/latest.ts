/** Folds a row of same-key updates into the newest: the ones in between would be out of date before they were sent. */

/**
 * Runs one job of a key at a time. Of those that wait behind it only the newest input is run, and all who wait get
 * its result.
 */
export function latestOnly<I, O>(run: (input: I) => Promise<O>): (key: string, input: I) => Promise<O> {
  type Lane = { waiting: { input: I; result: Promise<O> } | undefined; busy: Promise<unknown> };
  const lanes = new Map<string, Lane>();

  return (key, input) => {
    const lane: Lane = lanes.get(key) ?? { waiting: undefined, busy: Promise.resolve() };
    lanes.set(key, lane);
    if (lane.waiting !== undefined) {
      lane.waiting.input = input;
      return lane.waiting.result;
    }
    const waiting = { input, result: lane.busy.then(() => begin()) };
    const begin = (): Promise<O> => {
      lane.waiting = undefined;
      const result = run(waiting.input);
      lane.busy = result
        .catch(() => undefined)
        .finally(() => {
          if (lane.waiting === undefined) lanes.delete(key);
        });
      return result;
    };
    lane.waiting = waiting;
    return waiting.result;
  };
}
