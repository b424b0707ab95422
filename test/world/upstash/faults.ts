/** What goes wrong on the way to Upstash and back: each for a given number of requests, before or after the work is done. */

/** How much of a request's work is done before it goes wrong; a number counts a pipeline's commands. A stream has none. */
export type Applied = "none" | "all" | number;

export type Fault =
  /** Another answer than Redis'. A text is sent as it is, any other body as JSON. */
  | {
      readonly do: "answer";
      readonly applied: Applied;
      readonly status: number;
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string>>;
    }
  /** No answer ever: the caller's own limit ends it. */
  | { readonly do: "hang"; readonly applied: Applied }
  /** The connection breaks without an answer. */
  | { readonly do: "cut"; readonly applied: Applied }
  /** All is done and half of the answer's body arrives. */
  | { readonly do: "cut-body" }
  /** Late: goes on, to do the work or to answer, when the promise is settled. */
  | { readonly do: "hold"; readonly applied: "none" | "all"; readonly until: Promise<unknown> }
  /** A stream breaks after so many messages. */
  | { readonly do: "cut-stream"; readonly messages: number };

/** Any when absent; all that is there must fit. */
export interface FaultMatch {
  /** `/`, `/pipeline`, `/multi-exec`, `/subscribe/<channel>` or a command in the path. */
  readonly path?: RegExp;
  /** Tried on the names of the request's commands, in upper case. */
  readonly command?: RegExp;
  /** Tried on every argument, for example on a script's hash. */
  readonly argument?: RegExp;
}

export interface PlannedFault {
  /** Resolves when it has come to pass for the first time (with `hold`, when the request waits). */
  readonly happened: Promise<void>;
}

export interface Faults {
  /** The next request that matches meets this, and so do as many more as `times` says. Faults are tried in the order given. */
  next(match: FaultMatch, fault: Fault, times?: number): PlannedFault;
  /** Faults that were given and have not all come to pass. */
  unused(): readonly { readonly match: FaultMatch; readonly fault: Fault }[];
  clear(): void;
}

/** What a fault is matched with. */
export interface Target {
  readonly kind: "command" | "pipeline" | "transaction" | "stream";
  readonly path: string;
  readonly commands: readonly (readonly [name: string, ...args: (string | Buffer)[]])[];
}

/** The stand-in's own side of it. */
export interface FaultSource extends Faults {
  take(target: Target): { readonly fault: Fault; happen(): void } | undefined;
}

export function openFaults(): FaultSource {
  let waiting: { match: FaultMatch; fault: Fault; left: number; happen: () => void }[] = [];
  return {
    next(match, fault, times = 1) {
      const happened = Promise.withResolvers<void>();
      waiting.push({ match, fault, left: times, happen: happened.resolve });
      return { happened: happened.promise };
    },
    unused: () => waiting.map(({ match, fault }) => ({ match, fault })),
    clear() {
      waiting = [];
    },
    take(target) {
      const found = waiting.find(({ match, fault }) => isFor(fault, target.kind) && fits(match, target));
      if (found === undefined) return undefined;
      found.left -= 1;
      if (found.left === 0) waiting = waiting.filter((each) => each !== found);
      return found;
    },
  };
}

/** A stream has no body to cut, and only a stream has messages. */
function isFor(fault: Fault, kind: Target["kind"]): boolean {
  return kind === "stream" ? fault.do !== "cut-body" : fault.do !== "cut-stream";
}

function fits({ path, command, argument }: FaultMatch, target: Target): boolean {
  if (path !== undefined && !path.test(target.path)) return false;
  if (command !== undefined && !target.commands.some(([name]) => command.test(name.toUpperCase()))) return false;
  if (argument === undefined) return true;
  return target.commands.some(([, ...args]) => args.some((each) => argument.test(String(each))));
}

/** A proxy's page, which is not JSON. */
export const badGateway = (applied: Applied): Fault => ({
  do: "answer",
  applied,
  status: 502,
  body: "<html><body><h1>502 Bad Gateway</h1></body></html>",
});

/** Upstash's words for a used-up quota. */
export const tooManyRequests: Fault = {
  do: "answer",
  applied: "none",
  status: 429,
  body: { error: "ERR max requests limit exceeded." },
};
