/** The world as one life of the service reaches it: the store, GitHub and the sandboxes behind its mortality. */
import type { Sandboxes } from "../../src/core/ports/sandboxes.ts";
import type { Store } from "../../src/core/ports/store.ts";
import type { Life } from "./life.ts";

export const mortalStore = (life: Life, store: Store): Store => ({
  commit: (commit, asked) => life.call("commit", () => store.commit(commit, asked)),
  look: (now, queries) => life.read(() => store.look(now, queries)),
  onWake: (listener) => store.onWake(listener),
  close: () => store.close(),
});

export const mortalFetch = (life: Life, fetch: (request: Request) => Promise<Response>): typeof globalThis.fetch => {
  return async (input, init) => {
    const request = new Request(input, init);
    if (request.method === "GET") return life.read(() => following(request, fetch));
    return life.call(`${request.method} ${new URL(request.url).pathname}`, () => fetch(request));
  };
};

/** As `fetch` does: to the new address of what moved, and to a log, without the token, where it is kept. */
async function following(request: Request, fetch: (request: Request) => Promise<Response>): Promise<Response> {
  const answer = await fetch(request);
  const to = answer.headers.get("location");
  if (to === null || request.redirect === "manual") return answer;
  if (answer.status === 301) return fetch(new Request(to, request));
  return answer.status === 302 ? fetch(new Request(to)) : answer;
}

/** Properties are read when asked for: a test may change what a backend does. */
export function mortalSandboxes(life: Life, sandboxes: Sandboxes): Sandboxes {
  const { gatewayAddress, proxyAddress, shortcomings } = sandboxes;
  return {
    get backend() {
      return sandboxes.backend;
    },
    gatewayAddress,
    proxyAddress,
    shortcomings,
    accept: (resources) => sandboxes.accept(resources),
    pricePerHour: (resources) => sandboxes.pricePerHour(resources),
    create: (spec) => life.call("sandbox create", () => sandboxes.create(spec)),
    find: (name) => life.read(() => sandboxes.find(name)),
    metered: (name, gpu) => life.read(() => sandboxes.metered(name, gpu)),
    list: () => life.read(() => sandboxes.list()),
    end: (name) => life.call("sandbox end", () => sandboxes.end(name)),
  };
}
