/** Where on this machine the sandboxes of a service and their sockets are kept. */
import { createHash } from "node:crypto";
import { mkdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A unix socket's path has at most 107 bytes, so a deep root gets a short place that is its own. */
const socketPathBytes = 80;

/** For the folder that `.parhelia/` is in. The sockets' folder lies in one that is private to this user. */
export function localPlaces(root: string): { sockets: string; sandboxes: string } {
  const own = join(root, ".parhelia");
  const short = join(tmpdir(), `parhelia-${createHash("sha256").update(root).digest("hex").slice(0, 16)}`);
  const sockets = Buffer.byteLength(own) <= socketPathBytes ? own : short;
  mkdirSync(sockets, { recursive: true, mode: 0o700 });
  return { sockets: join(sockets, "door"), sandboxes: join(own, "sandboxes") };
}
