/** The door to the stand-in for GitHub, in which calls can be held: the instants at which a service is killed. */
import { createAdaptorServer } from "@hono/node-server";

/** A call that GitHub has received (`before` it is carried out, or `after`) and does not answer until it is released. */
export interface Hold {
  readonly reached: Promise<void>;
  release(): void;
}

export interface HoldMatch {
  /** Any when absent. */
  readonly method?: string;
  /** Tried on the whole path, `/api/v3/repos/…` or `/acme/widgets.git/…`. */
  readonly path: RegExp;
  /** Which of these calls; the first unless told. */
  readonly nth?: number;
  readonly when: "before" | "after";
}

type Answer = (request: Request) => Promise<Response>;

interface Waiting {
  readonly match: HoldMatch;
  left: number;
  readonly reach: () => void;
  readonly released: Promise<void>;
}

const matches = ({ match: { method, path } }: Waiting, request: Request): boolean =>
  (method === undefined || method === request.method) && path.test(new URL(request.url).pathname);

/** Listens on loopback at once, as the addresses of a GitHub that is opened later name its port. */
export async function openGate() {
  const waiting = new Set<Waiting>();
  const releases = new Set<() => void>();
  let serve: Answer = async () => new Response(null, { status: 503 });
  const server = createAdaptorServer({
    async fetch(request) {
      const found = [...waiting].find((each) => matches(each, request));
      if (found !== undefined) found.left -= 1;
      if (found === undefined || found.left > 0) return serve(request);
      waiting.delete(found);
      const early = found.match.when === "after" ? await serve(request) : undefined;
      found.reach();
      await found.released;
      return early ?? serve(request);
    },
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  return {
    port: address.port,
    serve: (answer: Answer) => {
      serve = answer;
    },
    hold(match: HoldMatch): Hold {
      const reached = Promise.withResolvers<void>();
      const released = Promise.withResolvers<void>();
      waiting.add({ match, left: match.nth ?? 1, reach: reached.resolve, released: released.promise });
      releases.add(released.resolve);
      return { reached: reached.promise, release: released.resolve };
    },
    releaseAll: () => {
      for (const release of releases) release();
    },
    async close() {
      if ("closeAllConnections" in server) server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
