/**
 * Whether sandboxes have what tasks need (guide §1.4), and why not. What a backend saw is judged here, the same for each: a
 * field is true where it was seen to hold, and the status follows from the fields.
 */
import { isWell, unseen, type Check, type Seen } from "./checkup.ts";
import { plus, type MicroUsd } from "./money.ts";

/** In the order in which one needs the other. */
const backendFields = [
  "modal_connected",
  "app_deployed",
  "image_found",
  "sandbox_started",
  "volume_mounted",
  "claude_installed",
  "gateway_reachable",
] as const;
const fields = [...backendFields, "anthropic_key_set"] as const;

export type BackendField = (typeof backendFields)[number];
type Field = (typeof fields)[number];

/** What is to be seen of a backend. `null`: it has no such thing. */
export interface Sight {
  readonly seen: Readonly<Record<BackendField, Seen | null>>;
  readonly claude: Claude;
  /** What the sandbox was made from. */
  readonly image: { readonly name: string; readonly id: string } | null;
  readonly cost: MicroUsd;
}

export interface Claude {
  readonly version: string | null;
  readonly path: string | null;
  /** What went wrong where it was asked for its version. */
  readonly error: string | null;
}

export const noClaude: Claude = { version: null, path: null, error: null };

/** Where a failure kept everything else from being looked at. */
export function blind(field: BackendField, why: Seen, hasNone: readonly BackendField[] = []): Sight["seen"] {
  const each = (one: BackendField): Seen | null =>
    one === field ? why : hasNone.includes(one) ? null : unseen(`not looked at: ${field} is false`);
  return {
    modal_connected: each("modal_connected"),
    app_deployed: each("app_deployed"),
    image_found: each("image_found"),
    sandbox_started: each("sandbox_started"),
    volume_mounted: each("volume_mounted"),
    claude_installed: each("claude_installed"),
    gateway_reachable: each("gateway_reachable"),
  };
}

/** A model call that was made to prove the key. */
export interface KeyProof {
  readonly seen: Seen;
  readonly model: string;
  readonly cost: MicroUsd;
}

export interface Health {
  readonly backend: "local" | "modal";
  readonly checks: readonly (Check & { readonly name: Field })[];
  readonly isOk: boolean;
  readonly claude: Claude;
  readonly image: Sight["image"];
  readonly model: string;
  readonly cost: MicroUsd;
}

export function judge(backend: Health["backend"], sight: Sight, key: KeyProof): Health {
  const all: Readonly<Record<Field, Seen | null>> = { ...sight.seen, anthropic_key_set: key.seen };
  const checks = fields.flatMap((name) => {
    const seen = all[name];
    return seen === null ? [] : [{ name, ...seen }];
  });
  return {
    backend,
    checks,
    isOk: isWell(checks),
    claude: sight.claude,
    image: sight.image,
    model: key.model,
    cost: plus(sight.cost, key.cost),
  };
}

/** For programs: a field is true, false, or null where the backend has no such thing. */
export function healthJson({ backend, checks, isOk, claude, image, model, cost }: Health) {
  const holds = (name: Field): boolean | null => {
    const check = checks.find((each) => each.name === name);
    return check === undefined ? null : check.outcome === "ok";
  };
  return {
    status: isOk ? "ok" : "failed",
    backend,
    modal_connected: holds("modal_connected"),
    app_deployed: holds("app_deployed"),
    image_found: holds("image_found"),
    sandbox_started: holds("sandbox_started"),
    volume_mounted: holds("volume_mounted"),
    claude_installed: holds("claude_installed"),
    gateway_reachable: holds("gateway_reachable"),
    anthropic_key_set: holds("anthropic_key_set"),
    claude_version: claude.version,
    claude_path: claude.path,
    claude_error: claude.error,
    image: image?.name ?? null,
    image_id: image?.id ?? null,
    model,
    cost_usd: cost / 1e6,
    problems: checks.flatMap((check) =>
      check.outcome === "failed" ? [{ field: check.name, found: check.found, cure: check.cure }] : [],
    ),
  };
}
