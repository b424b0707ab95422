/**
 * Programs that some tests need beside Node. A missing one skips the test and says how to get it;
 * under `CI=true` it is a failure, so that a green run means that everything ran.
 */
import { spawnSync } from "node:child_process";

const packages = { bwrap: "bubblewrap", git: "git", "redis-server": "redis-server", chromium: "chromium" } as const;

/** True where the program is there. */
export function needs(program: keyof typeof packages): boolean {
  if (spawnSync(program, ["--version"], { stdio: "ignore" }).error === undefined) return true;
  const cure = `${program} is missing: apt-get install ${packages[program]}`;
  if (process.env["CI"] === "true") throw new Error(cure);
  console.warn(`skipped, ${cure}`);
  return false;
}
