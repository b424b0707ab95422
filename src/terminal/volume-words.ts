/** How `parhelia volume …` is written at a terminal. */
import { visible } from "../core/markdown.ts";
import { nameHint } from "../core/nearest.ts";

type As = "words" | "json";

export type VolumeWords =
  | { readonly kind: "init"; readonly as: As }
  | { readonly kind: "ls"; readonly path: string; readonly as: As }
  | { readonly kind: "backup"; readonly file: string | undefined }
  | { readonly kind: "restore"; readonly file: string; readonly where: "nothing is lost" | "others are replaced" }
  | { readonly kind: "wrong"; readonly message: string };

const usage = `  parhelia volume init [--json]              make the volume and its folders, where they are missing
  parhelia volume ls [PATH] [--json]         what is in it
  parhelia volume backup [FILE]              all of it into a new archive; parhelia-data-DATE.tgz unless you say
  parhelia volume restore FILE [--force]     an archive back into it; --force replaces files that are other there`;

const options: Readonly<Record<string, readonly string[]>> = {
  init: ["--json"],
  ls: ["--json"],
  backup: [],
  restore: ["--force"],
};

/** The words behind `parhelia volume`. */
export function volumeWords([name = "", ...rest]: readonly string[]): VolumeWords {
  const wrong = (what: string): VolumeWords => ({ kind: "wrong", message: `${what}\n${usage}` });
  const its = Object.hasOwn(options, name) ? options[name] : undefined;
  if (its === undefined) {
    const hint = nameHint(name, Object.keys(options));
    return wrong(name === "" ? "What about the volume?" : `There is no \`volume ${visible(name)}\`.${hint}`);
  }
  const strange = rest.find((word) => word.startsWith("-") && !its.includes(word));
  if (strange !== undefined)
    return wrong(`\`volume ${name}\` does not take ${visible(strange)}. A file of that name is ./${visible(strange)}`);
  const [word, ...more] = rest.filter((each) => !its.includes(each));
  if (more.length > 0 || (name === "init" && word !== undefined))
    return wrong(`\`volume ${name}\` takes no more words.`);
  const as = rest.includes("--json") ? "json" : "words";
  if (name === "init") return { kind: "init", as };
  if (name === "ls") return { kind: "ls", path: word ?? ".", as };
  if (name === "backup") return { kind: "backup", file: word };
  if (word === undefined) return wrong("`volume restore` needs the file of a backup.");
  return { kind: "restore", file: word, where: rest.includes("--force") ? "others are replaced" : "nothing is lost" };
}
