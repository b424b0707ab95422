/** What a sandbox may reach beside the service. The operator says what there is, and a repository's settings take away from it. */
import { z } from "zod";

export const Network = z.object({
  /** `none`: the service alone. `list`: also the forge and the hosts. `open`: everything, for trusted code. */
  reaches: z.enum(["none", "list", "open"]),
  /** `example.org` or `*.example.org`, beside the forge; where it is open, the list that untrusted code gets. */
  hosts: z.array(z.string()),
});
export type Network = z.output<typeof Network>;

const order = { none: 0, list: 1, open: 2 } as const;

/** Whether all that a host of a list means is among these. */
const covers = (hosts: readonly string[], host: string): boolean =>
  hosts.some((each) => each === host || (each.startsWith("*.") && host.endsWith(each.slice(1))));

/** Hosts that a list asks for and the operator does not give. */
export const beyond = (asked: Network, given: Network): string[] =>
  given.reaches === "open" ? [] : asked.hosts.filter((host) => given.reaches === "none" || !covers(given.hosts, host));

export const isWider = (asked: Network, given: Network): boolean => order[asked.reaches] > order[given.reaches];

/**
 * What a sandbox is held to: never more than is given, which may have become less since it was asked for, and never open
 * where its text or code comes from someone without write access (ARCHITECTURE, decision 7).
 */
export function heldTo(given: Network, asked: Network | undefined, isTrusted: boolean): Network {
  const wanted = asked === undefined || isWider(asked, given) ? given : asked;
  const reaches = wanted.reaches === "open" && !isTrusted ? "list" : wanted.reaches;
  const refused = new Set(beyond(wanted, given));
  return { reaches, hosts: reaches === "none" ? [] : wanted.hosts.filter((host) => !refused.has(host)) };
}
