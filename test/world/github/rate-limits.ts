/** GitHub's rate limits, kept by the caller's clock: the hourly one of each installation and the secondary ones. */
import { ApiError } from "./answer.ts";
import { primaryLimit, secondaryLimit, type FaultAnswer } from "./faults.ts";
import { limits } from "./limits.ts";
import type { Caller } from "./state.ts";
import type { World } from "./world.ts";

const hourMs = 3_600_000;
const minuteMs = 60_000;

type Usage = { startedAt: number; used: number; recent: (Cost & { readonly at: number })[] };
export type RateLimits = {
  /** Throws the refusal of the limit that this request would break. */
  check(caller: Caller, method: string, path: string): void;
  /** Counts one request that was answered. */
  count(caller: Caller, method: string, path: string): void;
  /** The `x-ratelimit-*` headers that this caller's next answer bears. */
  headers(caller: Caller): Record<string, string>;
};

const makesContent = /^\/repos\/[^/]+\/[^/]+\/(?:issues|pulls)(?:\/\d+\/(?:comments|reviews))?$/;

const secondaryWords = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again.";

const refusal = (answer: Exclude<FaultAnswer, string>, message: string): ApiError =>
  new ApiError(answer.status, message, {}, answer.headers ?? {});

export function openRateLimits(world: Pick<World, "now" | "options">): RateLimits {
  const usages = new Map<string, Usage>();
  const limitOf = (caller: Caller): number =>
    caller.kind === "anonymous"
      ? limits.anonymousRequestsAnHour
      : caller.kind === "app"
        ? limits.requestsAnHour
        : (world.options.primaryLimit ?? limits.requestsAnHour);
  const usageOf = (caller: Caller): Usage => {
    const key = caller.kind === "token" ? `installation ${caller.token.installation.id}` : caller.kind;
    let usage = usages.get(key);
    if (usage === undefined || world.now() >= usage.startedAt + hourMs) {
      usage = { startedAt: world.now(), used: 0, recent: usage?.recent ?? [] };
      usages.set(key, usage);
    }
    return usage;
  };
  return {
    headers(caller) {
      const usage = usageOf(caller);
      const limit = limitOf(caller);
      return {
        "x-ratelimit-limit": String(limit),
        "x-ratelimit-remaining": String(Math.max(limit - usage.used, 0)),
        "x-ratelimit-used": String(usage.used),
        "x-ratelimit-reset": String(Math.ceil((usage.startedAt + hourMs) / 1000)),
        "x-ratelimit-resource": "core",
      };
    },
    check(caller, method, path) {
      const usage = usageOf(caller);
      if (usage.used >= limitOf(caller)) {
        const whose = caller.kind === "token" ? ` for installation ID ${caller.token.installation.id}` : "";
        throw refusal(primaryLimit(usage.startedAt + hourMs), `API rate limit exceeded${whose}.`);
      }
      if (world.options.secondaryLimits !== "off" && isOver(usage, world.now(), costOf(method, path)))
        throw refusal(secondaryLimit(60), secondaryWords);
    },
    count(caller, method, path) {
      const usage = usageOf(caller);
      usage.used += 1;
      if (world.options.secondaryLimits !== "off") usage.recent.push({ at: world.now(), ...costOf(method, path) });
    },
  };
}

type Cost = { readonly points: number; readonly isCreation: boolean };

const costOf = (method: string, path: string): Cost => ({
  points: method === "GET" || method === "HEAD" ? limits.readPoints : limits.writePoints,
  isCreation: method === "POST" && makesContent.test(path),
});

function isOver(usage: Usage, now: number, { points, isCreation }: Cost): boolean {
  usage.recent = usage.recent.filter((each) => each.at > now - hourMs && (each.isCreation || each.at > now - minuteMs));
  const lastMinute = usage.recent.filter((each) => each.at > now - minuteMs);
  const spent = lastMinute.reduce((sum, each) => sum + each.points, 0);
  const createdInMinute = lastMinute.filter((each) => each.isCreation).length;
  const createdInHour = usage.recent.filter((each) => each.isCreation).length;
  return (
    spent + points > limits.pointsAMinute ||
    (isCreation && (createdInMinute >= limits.creationsAMinute || createdInHour >= limits.creationsAnHour))
  );
}
