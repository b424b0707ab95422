/** How `parhelia image …` is written at a terminal. */
import { ImageTag } from "../core/image.ts";
import { visible } from "../core/markdown.ts";
import { nameHint } from "../core/nearest.ts";

export type ImageWords =
  | { readonly kind: "build"; readonly tag: ImageTag | undefined; readonly replaces: "nothing" | "its tag" }
  | { readonly kind: "list"; readonly as: "words" | "json" }
  /** By its tag or its id; the live one unless told. */
  | { readonly kind: "show"; readonly which: string | undefined; readonly as: "words" | "json" }
  | { readonly kind: "promote"; readonly tag: ImageTag }
  | { readonly kind: "rollback"; readonly tag: ImageTag | undefined }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia image build [--tag TAG] [--force]   build an image and try it; TAG is weekly-YYYYMMDD or v1.2.3,
                                               --force replaces the one of this tag, all layers anew
  parhelia image list [--json]                 all images, and which one is live
  parhelia image show [TAG] [--json]           one of them; the live one unless you say
  parhelia image promote TAG                   start new tasks from it
  parhelia image rollback [TAG]                start new tasks from the image that was live before`;

/** Of each, what it takes. */
const takes: Readonly<Record<string, { readonly options: readonly string[]; readonly tag: "none" | "may" | "must" }>> =
  {
    build: { options: ["--tag", "--force"], tag: "none" },
    list: { options: ["--json"], tag: "none" },
    show: { options: ["--json"], tag: "may" },
    promote: { options: [], tag: "must" },
    rollback: { options: [], tag: "may" },
  };

const wrong = (what: string): ImageWords => ({ kind: "wrong", message: `${what}\n${usage}` });

/** The words behind `parhelia image`. */
export function imageWords([name = "", ...rest]: readonly string[]): ImageWords {
  const its = Object.hasOwn(takes, name) ? takes[name] : undefined;
  if (its === undefined) {
    const hint = name === "" ? "" : nameHint(name, Object.keys(takes));
    return wrong(name === "" ? "What about images?" : `There is no \`image ${visible(name)}\`.${hint}`);
  }
  const spread = rest.flatMap((word) => (word.startsWith("--tag=") ? ["--tag", word.slice("--tag=".length)] : [word]));
  const at = its.options.includes("--tag") ? spread.indexOf("--tag") : -1;
  const [, named = ""] = at === -1 ? [] : spread.splice(at, 2);
  const strange = spread.find((word) => word.startsWith("-") && (word === "--tag" || !its.options.includes(word)));
  if (strange !== undefined) return wrong(`\`image ${name}\` does not take ${visible(strange)}.`);
  const words = spread.filter((word) => !word.startsWith("-"));
  if (words.length > (its.tag === "none" ? 0 : 1))
    return wrong(`\`image ${name}\` takes ${its.tag === "none" ? "no such word" : "one tag"}.`);
  const tag = at === -1 ? words[0] : named;
  if (its.tag === "must" && tag === undefined) return wrong(`Which image? \`image ${name}\` takes a tag.`);
  if (name === "show") return { kind: "show", which: tag, as: spread.includes("--json") ? "json" : "words" };
  if (name === "list") return { kind: "list", as: spread.includes("--json") ? "json" : "words" };
  return tagged(name, tag, spread.includes("--force") ? "its tag" : "nothing");
}

function tagged(name: string, word: string | undefined, replaces: "nothing" | "its tag"): ImageWords {
  const parsed = ImageTag.optional().safeParse(word);
  if (!parsed.success)
    return wrong(
      `${visible(word ?? "")} is no tag of an image: write weekly-YYYYMMDD or v1.2.3, such as weekly-20261125.`,
    );
  const tag = parsed.data;
  if (name === "build") return { kind: "build", tag, replaces };
  if (name === "promote" && tag !== undefined) return { kind: "promote", tag };
  return { kind: "rollback", tag };
}
