/** How `parhelia deploy` is written, and what it shows: each step as it is done, with its cure where it is not. */
import { ImageTag } from "../core/image.ts";
import { visible } from "../core/markdown.ts";
import type { Deployed, Step } from "./deploy.ts";

export type DeployWords =
  | { readonly kind: "deploy"; readonly tag: ImageTag | undefined; readonly as: "words" | "json" }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia deploy [--tag TAG] [--json]   TAG is weekly-YYYYMMDD or v1.2.3; what is live stays unless you say`;

/** The words behind `parhelia deploy`. */
export function deployWords(words: readonly string[]): DeployWords {
  const wrong = (what: string): DeployWords => ({ kind: "wrong", message: `${what}\n${usage}` });
  const spread = words.flatMap((word) => (word.startsWith("--tag=") ? ["--tag", word.slice("--tag=".length)] : [word]));
  const at = spread.indexOf("--tag");
  const [, named] = at === -1 ? [] : spread.splice(at, 2);
  if (at !== -1 && named === undefined) return wrong("`--tag` needs the tag of an image.");
  const strange = spread.find((word) => word !== "--json");
  if (strange !== undefined) return wrong(`\`deploy\` does not take ${visible(strange)}.`);
  const tag = ImageTag.optional().safeParse(named);
  if (!tag.success) return wrong(`${visible(named ?? "")} is no tag of an image.`);
  return { kind: "deploy", tag: tag.data, as: spread.length > 0 ? "json" : "words" };
}

const marks: Readonly<Record<Step["outcome"], string>> = { done: "done", there: "there already", failed: "failed" };

export function stepLine(step: Step): string {
  const cure = step.outcome === "failed" ? `\n  To mend it: ${step.cure}` : "";
  return `${step.name}: ${marks[step.outcome]}. ${step.found}${cure}`;
}

export const deployedJson = ({ steps, isDone }: Deployed): string => JSON.stringify({ ok: isDone, steps }, null, 2);
