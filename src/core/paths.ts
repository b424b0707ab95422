/** Which paths of a result may be committed. The result comes from a sandbox, so every name in it may be hostile. */
import { Refusal } from "./refusal.ts";

/** Characters that HFS+ leaves out of names: with them `.git` can be spelt so that it looks like another name. */
const ignoredByHfs = /[\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]/g;

/** What a file system without letter case, NTFS or HFS+ would open as `.git`. */
function isGitDirectory(component: string): boolean {
  const plain = component.replaceAll(ignoredByHfs, "").toLowerCase();
  return /^(?:\.git|git~\d+)[. ]*(?::.*)?$/.test(plain);
}

const isWayOut = (component: string): boolean => component === "" || component === "." || component === "..";

export const shownPath = (path: string): string => JSON.stringify(path.length > 200 ? `${path.slice(0, 200)}…` : path);

/** The path behind base64 of bytes. Throws a `Refusal` naming a path that no commit of ours may hold. */
export function readPath(base64: string): string {
  const bytes = Buffer.from(base64, "base64");
  const path = bytes.toString("utf8");
  // GitHub's API takes names as text alone.
  if (!Buffer.from(path, "utf8").equals(bytes))
    throw new Refusal(
      `The result has a file whose name is not UTF-8 (${shownPath(path)}). GitHub takes only UTF-8 names from an app.`,
    );
  const components = path.split("/");
  const isHostile =
    path.includes("\0") || components.some(isWayOut) || path.split(/[/\\]/).some(isGitDirectory) || bytes.length > 4096;
  if (isHostile) throw new Refusal(`The result has a file named ${shownPath(path)}, which no clone would accept.`);
  return path;
}

/** Files that only an app with the permission `workflows` may change; ours has it not. */
export const isWorkflow = (path: string): boolean => path.toLowerCase().startsWith(".github/workflows/");
