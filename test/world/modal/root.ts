/** The files of a sandbox that are its own: what its image holds beyond the machine's `/usr`, made anew for each. */
import { chmodSync, chownSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Ground } from "./machine.ts";

/** Where the program lies that `claude` calls. */
export const insideClaude = "/usr/local/lib/claude-code/claude";

/** The directories at the top that a sandbox may write to. */
const own = ["etc", "home", "mnt", "opt", "root", "run", "srv", "tmp", "usr/local", "var/tmp", "workspace"];

function accounts(users: Ground["contents"]["users"]): Record<string, string> {
  const all = [{ name: "root", uid: 0 }, ...users, { name: "nobody", uid: 65_534 }];
  const homeOf = (name: string): string => (name === "root" ? "/root" : `/home/${name}`);
  const passwd = all.map(({ name, uid }) => `${name}:x:${uid}:${uid}:${name}:${homeOf(name)}:/bin/bash\n`);
  return { "/etc/passwd": passwd.join(""), "/etc/group": all.map(({ name, uid }) => `${name}:x:${uid}:\n`).join("") };
}

/** It says its version itself: images with two versions of the agent are told apart by nothing else. */
function claudeScript(version: string, isThere: boolean): string {
  const rest = isThere ? `exec ${insideClaude} "$@"` : "echo 'the stand-in was given no agent' >&2; exit 1";
  return `#!/bin/sh\nif [ "$1" = --version ]; then echo '${version} (Claude Code)'; exit 0; fi\n${rest}\n`;
}

/** Writes them below `root` and answers the top directories. */
export function layOut(root: string, { contents, scripts, claude }: Ground): string[] {
  const { programs, users, directories } = contents;
  const files: Record<string, string> = {
    ...accounts(users),
    "/etc/hosts": "127.0.0.1 localhost\n",
    "/etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files dns\n",
    "/etc/resolv.conf": "",
  };
  const executables = { ...scripts };
  if (programs["claude"] !== undefined) {
    executables["/usr/local/bin/claude"] = claudeScript(programs["claude"], claude !== undefined);
  }
  for (const path of [...own, ...directories, ...users.map(({ name }) => `home/${name}`), "usr/local/bin"]) {
    mkdirSync(join(root, path), { recursive: true });
  }
  chmodSync(join(root, "tmp"), 0o1777);
  for (const [path, text] of Object.entries({ ...files, ...executables })) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text, { mode: path in executables ? 0o755 : 0o644 });
  }
  // Elsewhere there is one user only.
  if (process.getuid?.() === 0) for (const { name, uid } of users) chownSync(join(root, "home", name), uid, uid);
  const tops = directories.map((path) => path.split("/")[1] ?? "").filter((top) => top !== "" && top !== "usr");
  return [...new Set([...own, ...tops])];
}
