/** A request for a sandbox, read and checked: what Modal refuses is refused here, by code and in words. */
import { ServerError, Status } from "nice-grpc";
import type { Account } from "./account.ts";
import { readGpu } from "./gpus.ts";
import { imageOf } from "./images.ts";
import type { Ask, Mount, Network } from "./records.ts";
import { checkName, invalid, notFound, unmet } from "./refuse.ts";
import { secretOf } from "./secrets.ts";
import { volumeOf } from "./volumes.ts";
import type { Asked } from "./wire.ts";

type Request = Asked<"sandboxCreateV2"> | Asked<"sandboxCreate">;
type Definition = NonNullable<Request["definition"]>;

/** modal.md §1.6: "maximum 24 h [D]; it cannot be extended". */
const longestS = 24 * 3600;
/** modal.md §3: "argv ≤65,536 characters in total". */
const longestArgv = 2 ** 16;
/** modal.md §4: "Defaults .125 core and 128 MiB". */
const defaults = { milliCpu: 125, memoryMiB: 128 };
/** Modal enforces a maximum and does not publish it; more than this nobody sells in one piece. */
const most = { milliCpu: 64_000, memoryMiB: 344_064 };
/** modal.md §3: "about 100 entries [R]". */
const mostListed = 100;

function resources({ resources: asked }: Definition): Pick<Ask, "cpu" | "memoryMiB" | "memoryLimitMiB"> {
  const milliCpu = asked?.milliCpu || defaults.milliCpu;
  const memoryMiB = asked?.memoryMb || defaults.memoryMiB;
  const limit = asked?.memoryMbMax || undefined;
  if (milliCpu > most.milliCpu) throw invalid(`Cannot request more than ${most.milliCpu / 1000} CPU cores.`);
  if (memoryMiB > most.memoryMiB) throw invalid(`Cannot request more than ${most.memoryMiB} MiB of memory.`);
  if (limit !== undefined && limit < memoryMiB) throw invalid("The memory limit must not be below the memory request.");
  if ((asked?.milliCpuMax || milliCpu) < milliCpu) throw invalid("The CPU limit must not be below the CPU request.");
  return { cpu: milliCpu / 1000, memoryMiB, memoryLimitMiB: limit };
}

function mounts(account: Account, { volumeMounts = [] }: Definition): Mount[] {
  const read = volumeMounts.map(({ volumeId, mountPath = "", readOnly, subPath }) => {
    const volume = volumeOf(account, volumeId);
    if (!mountPath.startsWith("/") || mountPath === "/")
      throw invalid(`Volume mount path '${mountPath}' is not valid.`);
    const within = subPath?.split("/").filter((part) => part !== "" && part !== ".") ?? [];
    if (within.includes("..")) throw invalid(`Volume sub path '${subPath}' leaves the volume.`);
    const inside = within.length > 0 ? within.join("/") : undefined;
    return { volumeId: volume.id, at: mountPath, readOnly: readOnly === true, subPath: inside };
  });
  if (new Set(read.map(({ at }) => at)).size < read.length) throw invalid("Two volumes are mounted at one path.");
  return read;
}

function network({ networkAccess, blockNetwork }: Definition): Network {
  if (blockNetwork === true || networkAccess?.networkAccessType === 2) return { kind: "blocked" };
  if (networkAccess?.networkAccessType !== 3) return { kind: "open" };
  const { allowedCidrs: cidrs = [], allowedDomains: domains = [] } = networkAccess;
  const wrong =
    cidrs.find((cidr) => !/^[\da-fA-F.:]+\/\d{1,3}$/.test(cidr)) ??
    // modal.md §3: "TLS on 443 only, `*.` prefix".
    domains.find((domain) => !/^(\*\.)?([A-Za-z0-9-]+\.)+[A-Za-z]{2,}$/.test(domain));
  if (wrong !== undefined) throw invalid(`'${wrong}' is no valid entry of an outbound allowlist.`);
  if (Math.max(cidrs.length, domains.length) > mostListed) {
    throw invalid(`An outbound allowlist takes at most ${mostListed} entries.`);
  }
  return { kind: "list", cidrs, domains };
}

/** V1 names its secrets; V2 sends what has no name along (modal.md §3 "Secret"). */
function environment(account: Account, request: Request, { secretIds = [] }: Definition): Record<string, string> {
  const sources = "secretSources" in request ? (request.secretSources ?? []) : [];
  const valuesOf = ({ secretId, env }: (typeof sources)[number]): object =>
    secretId === undefined ? (env?.contents ?? {}) : secretOf(account, secretId).values;
  return Object.assign({}, ...secretIds.map((id) => secretOf(account, id).values), ...sources.map(valuesOf)) as Record<
    string,
    string
  >;
}

function refuseUnknown(definition: Definition): void {
  const { cloudBucketMounts = [], nfsMounts = [], experimentalOutboundPolicy, proxyId } = definition;
  const beyond = [cloudBucketMounts.length > 0, nfsMounts.length > 0, experimentalOutboundPolicy, proxyId];
  if (beyond.some(Boolean)) {
    throw new ServerError(
      Status.UNIMPLEMENTED,
      "The stand-in has no buckets, network filesystems, policies or proxies.",
    );
  }
}

function checkShape(definition: Definition): void {
  const { name, timeoutSecs = 0, entrypointArgs = [], workdir } = definition;
  if (name !== undefined && name !== "") checkName("Sandbox", name);
  if (timeoutSecs < 1 || timeoutSecs > longestS) {
    throw invalid(`Sandbox timeout must be between 1 second and 24 hours, got ${timeoutSecs} seconds.`);
  }
  const length = entrypointArgs.reduce((sum, word) => sum + word.length, 0);
  if (length > longestArgv) {
    throw invalid(
      `Total length of CMD arguments must be less than ${longestArgv} bytes (ARG_MAX). Got ${length} bytes.`,
    );
  }
  if (workdir !== undefined && !workdir.startsWith("/")) throw invalid("workdir must be an absolute path.");
}

/** Throws what Modal refuses. */
export function readAsk(account: Account, version: 1 | 2, request: Request): Ask {
  const definition: Definition = request.definition ?? {};
  checkShape(definition);
  refuseUnknown(definition);
  if (!account.apps.has(request.appId ?? "")) throw notFound(`App ${request.appId} not found`);
  const image = imageOf(account, definition.imageId);
  if (image.failure !== undefined) throw unmet(`Image ${image.id} was not built.`);
  const gpu = readGpu(definition.resources?.gpuConfig);
  // modal.md §1.1: "With `gpu` set it silently uses V1".
  if (gpu !== undefined && version === 2) throw invalid("GPUs are not supported in V2 sandboxes.");
  const tags = (request.tags ?? []).map(({ tagName = "", tagValue = "" }) => [tagName, tagValue]);
  return {
    version,
    appId: request.appId ?? "",
    name: definition.name || undefined,
    imageId: image.id,
    command: definition.entrypointArgs ?? [],
    workdir: definition.workdir,
    lifetimeMs: (definition.timeoutSecs ?? 0) * 1000,
    idleMs: definition.idleTimeoutSecs ? definition.idleTimeoutSecs * 1000 : undefined,
    ...resources(definition),
    gpu,
    mounts: mounts(account, definition),
    env: environment(account, request, definition),
    network: network(definition),
    regions: [...(definition.schedulerPlacement?.regions ?? [])],
    tags: Object.fromEntries(tags) as Record<string, string>,
  };
}
