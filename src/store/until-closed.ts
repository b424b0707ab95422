/** What every store does with calls after its end: it refuses them, and closing again does nothing. */
import type { Store } from "../core/ports/store.ts";

export function untilClosed(store: Store): Store {
  let closing: Promise<void> | undefined;
  const open = (): void => {
    if (closing !== undefined) throw new Error("the store is closed");
  };
  return {
    async commit(commit) {
      open();
      return store.commit(commit);
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
