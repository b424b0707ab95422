/** The labels of a repository's settings on GitHub, made by GitHub's own program `gh` with the rights of whoever is signed in there. */
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { z } from "zod";
import { visible } from "../core/markdown.ts";
import { Refusal } from "../core/refusal.ts";
import type { Label, Settings } from "../core/settings/settings.ts";

/** `gh` is the program's name or path. One that is there already is brought up to date. */
export async function makeLabels({ labels }: Settings, { root, gh }: { root: string; gh: string }): Promise<string[]> {
  for (const [name, label] of labels) {
    try {
      await promisify(execFile)(gh, argvOf(name, label), { cwd: root });
    } catch (error) {
      throw notMade(error, { name, labels });
    }
  }
  return [...labels.keys()];
}

const argvOf = (name: string, label: Label): string[] => {
  const description = labelWords(label).slice(0, 100);
  return ["label", "create", name, "--force", "--color", "F5A623", "--description", description];
};

function labelWords({ argv, instruction, gpu }: Label): string {
  const work =
    argv === undefined ? (instruction === undefined ? "do what the text says" : instruction) : argv.join(" ");
  const on = gpu === undefined ? "" : ` on ${gpu.join(" or ")}`;
  return `Parhelia: ${work.replaceAll(/\s+/g, " ").slice(0, 60)}${on}`;
}

const Failed = z.object({ code: z.union([z.string(), z.number()]), stderr: z.string().default("") });

/** Other failures as they are. */
function notMade(error: unknown, { name, labels }: { name: string; labels: Settings["labels"] }): unknown {
  const failed = Failed.safeParse(error).data;
  if (failed?.code === "ENOENT") {
    return new Refusal(
      `The labels are made by GitHub's program gh, which is not installed here (https://cli.github.com). With it, or anywhere else that has it:\n  ${commandLines(labels).join("\n  ")}`,
    );
  }
  if (failed === undefined || typeof failed.code === "string") return error;
  const said = visible(failed.stderr.trim().split("\n").at(-1) ?? "").slice(0, 500);
  return new Refusal(
    `gh could not make the label ${visible(name)}. It says: ${said || `nothing, and ended with ${failed.code}`}\nSign in (gh auth login) with write access to this repository, and run the same command again: labels that are there stay.`,
  );
}

/** As a shell takes them. */
const commandLines = (labels: Settings["labels"]): string[] =>
  [...labels].map(([name, label]) => ["gh", ...argvOf(name, label).map(quoted)].join(" "));

/** In single quotes a shell changes nothing; one within ends them and begins them anew. */
const quoted = (text: string): string => (/^[\w-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`);
