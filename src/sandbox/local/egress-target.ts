/** Which addresses of the network a sandbox may reach through the proxy. Pure; `egress.ts` acts on it. */
import ipaddr from "ipaddr.js";

export type Target = {
  readonly scheme: "http" | "https";
  /** Lower case, without brackets or a closing dot. */
  readonly host: string;
  readonly port: number;
};

const defaultPorts = { http: 80, https: 443 } as const;

const bare = (hostname: string): string =>
  hostname
    .toLowerCase()
    .replace(/^\[|\]$/g, "")
    .replace(/\.$/, "");

function targetOfUrl(url: URL): Target | undefined {
  const scheme = url.protocol === "https:" ? "https" : url.protocol === "http:" ? "http" : undefined;
  if (scheme === undefined || url.hostname === "") return undefined;
  return { scheme, host: bare(url.hostname), port: url.port === "" ? defaultPorts[scheme] : Number(url.port) };
}

/** Of `CONNECT host:port`; what is inside such a connection is taken for https. Undefined where it is malformed. */
export function targetOfConnect(authority: string): Target | undefined {
  const [, host, port] = /^(\[[0-9a-f:.]+\]|[^\s:/?#@[\]\\]+):([0-9]{1,5})$/i.exec(authority) ?? [];
  // The URL parser turns 0x7f.1 and 2130706433 into the address that they mean.
  if (host === undefined || !URL.canParse(`https://${host}/`) || Number(port) > 65_535) return undefined;
  const target = targetOfUrl(new URL(`https://${host}/`));
  return target && { ...target, port: Number(port) };
}

/** Of `GET http://…`. Undefined for any other form. */
export function targetOfAbsolute(target: string): (Target & { readonly path: string }) | undefined {
  if (!/^http:\/\//i.test(target) || !URL.canParse(target)) return undefined;
  const url = new URL(target);
  const found = targetOfUrl(url);
  return found && url.username === "" && url.password === ""
    ? { ...found, path: url.pathname + url.search }
    : undefined;
}

export type EgressRules = {
  /** Hosts by their exact name, and `suffix` of `*.suffix`. */
  readonly exact: ReadonlySet<string>;
  readonly suffixes: readonly string[];
  readonly origin: Target;
};

/** Throws an `Error` that names the entry that is no host. */
export function egressRules(allow: readonly string[], origin: string): EgressRules {
  const exact = new Set<string>();
  const suffixes: string[] = [];
  for (const entry of allow) {
    const wild = entry.startsWith("*.");
    const host = wild ? entry.slice(2) : entry;
    const target = targetOfConnect(`${host.includes(":") ? `[${host}]` : host}:443`);
    if (target === undefined || host.includes("*")) {
      throw new Error(`${JSON.stringify(entry)} is no host to allow: write example.org or *.example.org.`);
    }
    if (wild) suffixes.push(`.${target.host}`);
    else exact.add(target.host);
  }
  const parsed = URL.canParse(origin) ? targetOfUrl(new URL(origin)) : undefined;
  if (parsed === undefined) throw new Error(`${JSON.stringify(origin)} is no http or https address of GitHub.`);
  return { exact, suffixes, origin: parsed };
}

const isOrigin = ({ origin }: EgressRules, { scheme, host, port }: Target): boolean =>
  scheme === origin.scheme && host === origin.host && port === origin.port;

const isLocalName = (host: string): boolean => host === "localhost" || host.endsWith(".localhost");

/** Why the target is refused by its name and port, as the end of a sentence; undefined where it is allowed. */
export function refusalOf(rules: EgressRules, target: Target): string | undefined {
  const { host, port } = target;
  const { origin } = rules;
  if (isOrigin(rules, target)) return undefined;
  const listed = rules.exact.has(host) || rules.suffixes.some((suffix) => host.endsWith(suffix));
  if (host === origin.host && (!listed || isLocalName(host))) {
    return `only port ${origin.port} of it is open, by ${origin.scheme}; use the address ${originUrl(origin)}`;
  }
  if (isLocalName(host)) return "it names the machine of the service, which no sandbox may reach; use a public host";
  if (!listed)
    return "it is not among the allowed hosts; the settings of the repository (`sandbox.allow_hosts`) or the operator of this Parhelia leave it out";
  if (port !== 80 && port !== 443) return `port ${port} is closed to sandboxes; use https (443) or http (80)`;
  return undefined;
}

const originUrl = ({ scheme, host, port }: Target): string => {
  const name = host.includes(":") ? `[${host}]` : host;
  return new URL(`${scheme}://${name}:${port}`).origin;
};

const globalUnicast = ipaddr.IPv6.parseCIDR("2000::/3");

/** False for every address with a special meaning: private, loopback, link-local, mapped, translated, reserved. */
export function isPublic(address: string): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  if (parsed.range() !== "unicast") return false;
  // Leaves out what carries an IPv4 address in forms that have no range of their own, such as ::127.0.0.1.
  return parsed.kind() === "ipv4" || parsed.match(globalUnicast);
}

/** The addresses to connect to, or none. `.localhost` is this machine, and only the origin may be there. */
export async function addressesOf(
  rules: EgressRules,
  target: Target,
  resolve: (host: string) => Promise<readonly string[]>,
): Promise<readonly string[]> {
  if (isLocalName(target.host)) return isOrigin(rules, target) ? ["127.0.0.1"] : [];
  const found = ipaddr.isValid(target.host) ? [target.host] : await resolve(target.host);
  return isOrigin(rules, target) ? found : found.filter(isPublic);
}
