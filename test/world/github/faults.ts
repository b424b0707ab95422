/** What goes wrong on the way to GitHub and back: lost requests, lost answers, errors and limits, each for a given number of calls. */

/** An answer in place of GitHub's own, or a connection that breaks before or after the work was done. */
export type FaultAnswer =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown }
  | "lost-request"
  | "lost-reply";

export type FaultMatch = {
  /** Any when absent. */
  readonly method?: string;
  /** Tried on the path below the API's root (`/repos/acme/widgets/issues/1/comments`, `/graphql`) or of the git door. */
  readonly path: RegExp;
};
export type Fault = { readonly match: FaultMatch; readonly answer: FaultAnswer };

export type Faults = {
  /** The next call that matches meets this, and so do as many more as `times` says. Faults are tried in the order given. */
  next(match: FaultMatch, answer: FaultAnswer, times?: number): void;
  /** Faults that were given and have not all come to pass. */
  unused(): readonly Fault[];
  clear(): void;
};

/** The stand-in's own side of it. */
export type FaultSource = Faults & { take(method: string, path: string): FaultAnswer | undefined };

/** The connection broke; `fetch` rejects with it, and a served connection is cut. */
export class Dropped extends TypeError {
  constructor() {
    super("fetch failed", { cause: Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" }) });
  }
}

export function openFaults(): FaultSource {
  let waiting: { fault: Fault; left: number }[] = [];
  return {
    next(match, answer, times = 1) {
      waiting.push({ fault: { match, answer }, left: times });
    },
    unused: () => waiting.map((each) => each.fault),
    clear() {
      waiting = [];
    },
    take(method, path) {
      const found = waiting.find(
        ({ fault: { match } }) => (match.method === undefined || match.method === method) && match.path.test(path),
      );
      if (found === undefined) return undefined;
      found.left -= 1;
      if (found.left === 0) waiting = waiting.filter((each) => each !== found);
      return found.fault.answer;
    },
  };
}

export const badGateway: FaultAnswer = { status: 502, body: { message: "Server Error" } };

/** The secondary limit as GitHub words it; without `retryAfterS` there is no `Retry-After`. */
export function secondaryLimit(retryAfterS?: number): Exclude<FaultAnswer, string> {
  return {
    status: 403,
    headers: retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) },
    body: {
      message:
        "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. If you reach out to GitHub Support for help, please include the request ID.",
      documentation_url:
        "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#about-secondary-rate-limits",
    },
  };
}

/** The primary limit used up until the given instant (milliseconds since 1970). */
export function primaryLimit(resetsAt: number, limit = 5000): Exclude<FaultAnswer, string> {
  return {
    status: 403,
    headers: {
      "x-ratelimit-limit": String(limit),
      "x-ratelimit-remaining": "0",
      "x-ratelimit-used": String(limit),
      "x-ratelimit-reset": String(Math.ceil(resetsAt / 1000)),
      "x-ratelimit-resource": "core",
    },
    body: {
      message:
        "API rate limit exceeded for installation. If you reach out to GitHub Support for help, please include the request ID.",
      documentation_url: "https://docs.github.com/rest/overview/rate-limits-for-the-rest-api",
    },
  };
}
