/** What every store does with calls after its end: it refuses them, and closing again does nothing. */
import type { Commit, Committed, Query, Store } from "../core/ports/store.ts";

/** A store as its file makes it: what a commit asks along is always there, if only as an empty list. */
export interface OpenStore extends Omit<Store, "commit"> {
  commit<const Q extends readonly Query[]>(commit: Commit, asked: Q): Promise<Committed<Q>>;
}

export function untilClosed(store: OpenStore): Store {
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing !== undefined) throw new Error("the store is closed");
  };
  return {
    async commit(commit, asked) {
      open();
      if (asked !== undefined) return store.commit(commit, asked);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- where nothing is asked, the port's default for `Q` is the empty list.
      return store.commit(commit, [] as readonly Query[] as NonNullable<typeof asked>);
    },
    async look(now, queries) {
      open();
      return store.look(now, queries);
    },
    onWake(listener) {
      open();
      return store.onWake(listener);
    },
    close: async () => (closing ??= store.close()),
  };
}
