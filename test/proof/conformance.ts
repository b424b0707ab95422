/** Judges a whole recording, and sums up what was found. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { Recorded } from "../world/github/recording.ts";
import { graphqlJudge, webhookJudge } from "./conformance-others.ts";
import type { Packages } from "./conformance-packages.ts";
import { restJudge, type Judged } from "./conformance-rest.ts";

/** Where the stand-in differs on purpose. One that never comes up is a defect of this list. */
export type Deviation = { readonly matches: RegExp; readonly because: string };

export type Findings = {
  readonly exchanges: number;
  readonly operations: number;
  readonly webhooks: number;
  readonly webhookKinds: number;
  readonly graphqlDocuments: number;
  /** Different ones, each with how often it came up. */
  readonly violations: readonly string[];
  readonly deviationsUnseen: readonly string[];
};

const Line = z.discriminatedUnion("kind", [
  z.object({
    kind: z.literal("exchange"),
    method: z.string(),
    path: z.string(),
    userAgent: z.string(),
    requestBody: z.string(),
    status: z.number(),
    contentType: z.string(),
    body: z.string(),
    isFault: z.boolean(),
  }),
  z.object({ kind: z.literal("webhook"), event: z.string(), action: z.string().optional(), payload: z.string() }),
]);

/** Every line of every process. */
export function readRecording(folder: string): Recorded[] {
  return readdirSync(folder)
    .flatMap((file) => readFileSync(join(folder, file), "utf8").split("\n"))
    .filter((line) => line !== "")
    .map((line) => {
      const read = Line.parse(JSON.parse(line));
      return read.kind === "exchange" ? read : { ...read, action: read.action };
    });
}

const nameOf = (one: Recorded): string =>
  one.kind === "webhook" ? `webhook ${one.event} ${one.action ?? ""}` : `${one.method} ${one.path.split("?")[0] ?? ""}`;

/** A judge of anything recorded; what no description names is a violation as well. */
export function judge(packages: Packages): (one: Recorded) => Judged {
  const rest = restJudge(packages);
  const webhook = webhookJudge(packages);
  const graphql = graphqlJudge(packages);
  return (one) => {
    if (one.kind === "exchange" && one.path === "/graphql") return graphql(one);
    const judged = one.kind === "webhook" ? webhook(one) : rest(one);
    if (judged !== undefined) return judged;
    return { operation: nameOf(one), violations: [{ about: nameOf(one), wrong: "is described nowhere" }] };
  };
}

export function findings(packages: Packages, all: readonly Recorded[], deviations: readonly Deviation[]): Findings {
  const judgeOne = judge(packages);
  const judged = all.map((one) => ({ one, ...judgeOne(one) }));
  const count = new Map<string, number>();
  const seen = new Set<Deviation>();
  for (const { about, wrong } of judged.flatMap(({ violations }) => violations)) {
    const words = `${about}: ${wrong}`;
    const deviation = deviations.find(({ matches }) => matches.test(words));
    if (deviation === undefined) count.set(words, (count.get(words) ?? 0) + 1);
    else seen.add(deviation);
  }
  const isGraphql = ({ operation }: Judged): boolean => operation === "GraphQL";
  const exchanges = judged.filter(({ one }) => one.kind === "exchange");
  const webhooks = judged.filter(({ one }) => one.kind === "webhook");
  return {
    exchanges: exchanges.length,
    operations: new Set(exchanges.map(({ operation }) => operation)).size,
    webhooks: webhooks.length,
    webhookKinds: new Set(webhooks.map(({ operation }) => operation)).size,
    graphqlDocuments: judged.filter(isGraphql).length,
    violations: [...count].map(([words, times]) => `${words} (${times} times)`).sort(),
    deviationsUnseen: deviations.filter((each) => !seen.has(each)).map(({ because }) => because),
  };
}
