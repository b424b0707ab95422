/** `.parhelia/config.toml` of a repository as text: what it says, or all that is wrong in it, each with its line. */
import { parse, TomlError } from "smol-toml";
import { byteLength } from "../core/markdown.ts";
import { tomlPlaces } from "../core/toml-places.ts";
import { problemOf, settingsFrom, type Problem, type Settings } from "../core/settings/settings.ts";

export type SettingsFileRead =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly problems: readonly Problem[] };

/** No settings need more, and whoever may open a pull request has us read it. */
export const mostSettingsBytes = 64 * 1024;

export const tooLarge: Problem = {
  line: 1,
  key: "",
  message: "the file has more than 64 KiB",
  cure: "Shorten it.",
};

export function readSettings(text: string): SettingsFileRead {
  if (byteLength(text) > mostSettingsBytes) return { ok: false, problems: [tooLarge] };
  const tables = readToml(text);
  if ("line" in tables) return { ok: false, problems: [tables] };
  const read = settingsFrom(tables.tables);
  if (read.ok) return read;
  const place = tomlPlaces(text);
  const problems = read.misfits.map((misfit) => problemOf(misfit, place(misfit.path)));
  return { ok: false, problems: problems.toSorted((one, other) => one.line - other.line) };
}

function readToml(text: string): { readonly tables: unknown } | Problem {
  try {
    return { tables: parse(text, { unsafeKeyBehaviour: "throw", maxDepth: 20 }) };
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    return { line: error.line, key: "", message: tomlWords(error), cure: "" };
  }
}

/** The first line of what the reader says; the others show the place. */
const tomlWords = (error: TomlError): string => (error.message.split("\n")[0] ?? "this is no TOML").replace(/\.$/, "");
