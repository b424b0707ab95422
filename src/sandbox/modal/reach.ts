/**
 * What a sandbox may reach. Never less than the gateway, so the network is never blocked as a whole: `none` is the gateway
 * alone. Modal lets named hosts through by TLS on port 443, so the gateway has to be there as well.
 */
import { isIP } from "node:net";

export interface NetworkSettings {
  readonly network: "none" | "list" | "open";
  /** Address of the service as sandboxes reach it. */
  readonly gateway: string;
  /** Hosts of the list beside the gateway's, by name or as `*.example.org`. */
  readonly hosts: readonly string[];
}

export type Reach = "everything" | { readonly domains: readonly string[]; readonly cidrs: readonly string[] };

/** What comes from someone without write access gets the list where others have an open network (ARCHITECTURE, decision 7). */
export function reachOf({ network, gateway, hosts }: NetworkSettings, isTrusted: boolean): Reach {
  if (network === "open" && isTrusted) return "everything";
  const all = [new URL(gateway).hostname, ...(network === "none" ? [] : hosts)].map((host) =>
    host.toLowerCase().replace(/^\[|\]$/g, ""),
  );
  const unique = [...new Set(all)];
  return {
    domains: unique.filter((host) => isIP(host) === 0),
    cidrs: unique.filter((host) => isIP(host) !== 0).map((host) => `${host}/${isIP(host) === 4 ? 32 : 128}`),
  };
}

/** As Modal's client takes it. */
export function networkOf(reach: Reach): { outboundDomainAllowlist?: string[]; outboundCidrAllowlist?: string[] } {
  if (reach === "everything") return {};
  const { domains, cidrs } = reach;
  return {
    ...(domains.length === 0 ? {} : { outboundDomainAllowlist: [...domains] }),
    ...(cidrs.length === 0 ? {} : { outboundCidrAllowlist: [...cidrs] }),
  };
}
