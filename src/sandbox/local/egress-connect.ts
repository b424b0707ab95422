/** Connections of the sandboxes to the outside: to what is allowed, at an address that was judged, with a line of the log each. */
import { lookup } from "node:dns/promises";
import { once } from "node:events";
import * as net from "node:net";
import { heldTo, type Network } from "../../core/network.ts";
import { addressesOf, egressRules, refusalOf, type EgressRules, type Target } from "./egress-target.ts";

export type EgressEntry = {
  readonly outcome: "opened" | "refused" | "unreachable";
  readonly host: string;
  readonly port: number;
  /** The address that the connection is bound to, or "" where it did not come to that. */
  readonly address: string;
  /** Why it is not open, else "". */
  readonly because: string;
};

export interface WayOut {
  /** `example.org` or `*.example.org`, on ports 80 and 443. */
  readonly allow: readonly string[];
  /** GitHub's address, `https://github.com`. Allowed at its own port, and the only one that may be a private address. */
  readonly origin: string;
  /** What the sandbox behind it may reach of this, asked for each connection; all of it where it is left out. */
  readonly held?: () => Network | undefined;
  /** All addresses of a name; the system's resolver where it is left out. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
  /** One call for each connection that was asked for. */
  readonly log: (entry: EgressEntry) => void;
}

/** An upload or a long answer moves meanwhile; this bounds silence alone. */
export const idleMs = 5 * 60_000;
const connectWithinMs = 10_000;
/** A name may have many addresses; trying each would hold the caller for minutes. */
const triedAddresses = 3;

/** A connection that is not made, with the status for the one who asked. Its message is one sentence. */
export class NotOpened extends Error {
  readonly status: 400 | 403 | 502;
  constructor(status: 400 | 403 | 502, message: string) {
    super(message);
    this.status = status;
  }
}

const resolveBySystem = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true, verbatim: true })).map(({ address }) => address);

async function connectTo(address: string, port: number): Promise<net.Socket> {
  const socket = net.connect({ host: address, port, noDelay: true });
  socket.setTimeout(connectWithinMs, () => socket.destroy(new Error("it does not answer")));
  await once(socket, "connect");
  socket.removeAllListeners("timeout");
  socket.setTimeout(idleMs, () => socket.destroy());
  return socket;
}

const noNetwork = "the settings of this repository (`sandbox.network`) leave its sandboxes the service alone";

type Opened = { socket: net.Socket; address: string };

export type OpenTarget = (target: Target) => Promise<net.Socket>;

/** The answer throws a `NotOpened`. */
export function opener({ allow, origin, held, resolve = resolveBySystem, log }: WayOut): OpenTarget {
  const all = egressRules(allow, origin);
  const rulesNow = (): EgressRules | "none" => {
    const asked = held?.();
    if (asked === undefined) return all;
    const { reaches, hosts } = heldTo({ reaches: "list", hosts: [...allow] }, asked, true);
    return reaches === "none" ? "none" : egressRules(hosts, origin);
  };

  const addresses = async (target: Target): Promise<readonly string[]> => {
    const rules = rulesNow();
    if (rules === "none") throw new NotOpened(403, noNetwork);
    const refusal = refusalOf(rules, target);
    if (refusal !== undefined) throw new NotOpened(403, refusal);
    try {
      const found = await addressesOf(rules, target, resolve);
      if (found.length > 0) return found.slice(0, triedAddresses);
    } catch (cause) {
      throw new NotOpened(502, `its name could not be looked up (${message(cause)}); try again later`);
    }
    throw new NotOpened(403, "it has no public address, and private ones are closed to sandboxes; use a public host");
  };

  const open = async (target: Target): Promise<Opened> => {
    let last: unknown;
    for (const address of await addresses(target)) {
      try {
        return { socket: await connectTo(address, target.port), address };
      } catch (error) {
        last = error;
      }
    }
    throw new NotOpened(502, `it could not be reached (${message(last)}); try again later`);
  };

  return async (target: Target): Promise<net.Socket> => {
    const { host, port } = target;
    try {
      const { socket, address } = await open(target);
      log({ outcome: "opened", host, port, address, because: "" });
      return socket;
    } catch (error) {
      if (!(error instanceof NotOpened)) throw error;
      const outcome = error.status === 403 ? "refused" : "unreachable";
      log({ outcome, host, port, address: "", because: error.message });
      throw new NotOpened(error.status, `Parhelia opens no connection to ${host}: ${error.message}.`);
    }
  };
}

export const message = (error: unknown): string => (error instanceof Error ? error.message : String(error));
