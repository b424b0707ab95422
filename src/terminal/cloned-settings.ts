/**
 * A repository that was cloned brings its files along, `.parhelia/config.toml` among them. What decides where a key is sent,
 * what runs outside a jail and what may be spent is no repository's to say: it counts in a file that this person wrote.
 */
import { usd, type MicroUsd } from "../core/money.ts";
import { git, GitError } from "./git.ts";

/** Keys and sections that only a person or the environment may set, where a task is run at a terminal. */
const ownersAlone = [
  "agent.api_url",
  "agent.claude_path",
  "sandbox.isolation",
  "sandbox.allow_hosts",
  "sandbox.price_per_hour",
  "store.path",
];
/** More than anybody may spend who says nothing. */
const usualBudget = usd(5);

/** Those of `keys` that a file which git keeps must not set; a task's budget it may lower, and not raise. */
export async function notTheirs(file: string, keys: readonly string[], budget: MicroUsd): Promise<string[]> {
  const found = keys.filter((key) => ownersAlone.includes(key) || (key === "budget.task" && budget > usualBudget));
  return found.length > 0 && (await isTracked(file)) ? found : [];
}

async function isTracked(file: string): Promise<boolean> {
  const at = file.lastIndexOf("/");
  try {
    await git({ directory: file.slice(0, at), args: ["ls-files", "--error-unmatch", "--", file.slice(at + 1)] });
    return true;
  } catch (error) {
    if (error instanceof GitError) return false;
    throw error;
  }
}

/** What to do about them. */
export const notTheirsWords = (file: string, keys: readonly string[]): string =>
  `${file} is a part of the repository, and a repository may not decide ${keys.join(", ")} for whoever runs a task in it.\n` +
  `If you want it so, say it yourself: ${keys.map((key) => `PARHELIA_${key.replace(".", "_").toUpperCase()}`).join(", ")} in the environment. A file that git does not keep is yours, and may set all of it.`;
