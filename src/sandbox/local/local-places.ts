/** Where on this machine the sandboxes of a service and their sockets are kept. */
import { createHash, createHmac } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Refusal } from "../../core/refusal.ts";

/** A unix socket's path has at most 107 bytes, so a deep root gets a short place that is its own. */
const socketPathBytes = 80;

/**
 * For the folder that `.parhelia/` is in. The sockets' folder lies in one that is private to this user. What works on
 * another store would take the sandboxes for nobody's, as a terminal's own engine beside replicas on a shared store does;
 * so those have places of their own.
 */
export function localPlaces(root: string, store: "file" | "shared"): { sockets: string; sandboxes: string } {
  const own = join(root, ".parhelia");
  const short = join(tmpdir(), `parhelia-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
  const sockets = Buffer.byteLength(own) <= socketPathBytes ? own : short;
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  // Anybody can make a folder of this name below /tmp, and whoever owns it could take the place of our sockets.
  if (statSync(sockets).uid !== process.getuid?.()) {
    throw new Refusal(
      `${sockets} belongs to another user, so no sockets can be kept there. Remove it, or use another folder.`,
    );
  }
  return { sockets: join(sockets, store === "shared" ? "doors" : "door"), sandboxes: sandboxPlaces(root)[store] };
}

/** Where the sandboxes of services in this folder are, by the kind of their store. */
export const sandboxPlaces = (root: string): Record<"file" | "shared", string> => ({
  file: join(root, ".parhelia", "sandboxes"),
  shared: join(root, ".parhelia", "shared-sandboxes"),
});

/** The folder that a repository keeps for us: its configuration belongs into git, the rest does not. */
export function makeHome(directory: string): void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const ignore = join(directory, ".gitignore");
  if (!existsSync(ignore)) writeFileSync(ignore, "*\n!config.toml\n");
}

/** A word that tells this machine from others: of its own id, which machine-id(5) asks to keep private, or of its name. */
export function machineWord(): string {
  const file = "/etc/machine-id";
  // Images of containers come without one, or with an empty one.
  const id = existsSync(file) ? readFileSync(file, "utf8").trim() : "";
  return createHmac("sha256", id === "" ? hostname() : id)
    .update("parhelia")
    .digest("hex");
}
