/**
 * What a sandbox may reach. Never less than the gateway, so the network is never blocked as a whole: `none` is the gateway
 * alone. Modal lets named hosts through by TLS on port 443, so the gateway has to be there as well.
 */
import { isIP } from "node:net";
import { heldTo, type Network } from "../../core/network.ts";
import type { SandboxSpec } from "../../core/ports/sandboxes.ts";

export interface NetworkSettings {
  readonly network: Network["reaches"];
  /** Address of the service as sandboxes reach it. */
  readonly gateway: string;
  /** The host of GitHub, on every list; none where no repository is fetched. */
  readonly forge?: string;
  /** The other hosts of the list, by name or as `*.example.org`. */
  readonly hosts: readonly string[];
}

export type Reach = "everything" | { readonly domains: readonly string[]; readonly cidrs: readonly string[] };

export function reachOf(settings: NetworkSettings, spec: Pick<SandboxSpec, "network" | "untrusted">): Reach {
  const { gateway, forge } = settings;
  const given = { reaches: settings.network, hosts: [...settings.hosts] };
  const { reaches, hosts } = heldTo(given, spec.network, spec.untrusted === undefined);
  if (reaches === "open") return "everything";
  const all = [
    new URL(gateway).hostname,
    ...(reaches === "none" ? [] : [...(forge === undefined ? [] : [forge]), ...hosts]),
  ].map((host) => host.toLowerCase().replace(/^\[|\]$/g, ""));
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
