/**
 * Listing and ending local sandboxes without their service, whether it lives or is dead, and without starting anything: for
 * a person at a terminal who wants everything to stop.
 */
import { existsSync, realpathSync, statSync } from "node:fs";
import type { Sandbox, Sandboxes } from "../../core/ports/sandboxes.ts";
import { bareLiving, bareOwner } from "./bare.ts";
import { outsideDepth } from "./bubblewrap.ts";
import { holdings, sandboxOf } from "./mark.ts";
import { killAll } from "./processes.ts";
import { findProgram, shell } from "./programs.ts";

/** Those made with and without isolation: the setting may have been another one. `pid` is this process. */
export function localFromOutside(stateDirectory: string, pid: number): Pick<Sandboxes, "list" | "end"> {
  if (!existsSync(stateDirectory)) return { list: async () => [], end: async () => undefined };
  const state = realpathSync(stateDirectory);
  // The service's user, who may be another than this one.
  const { uid } = statSync(state);
  const programs = [
    shell,
    ...(["bwrap", "timeout", "setpriv", "prlimit"] as const).flatMap((program) => findProgram(program) ?? []),
  ];
  const jailed = () => holdings({ owner: state, uid, depth: outsideDepth, programs });
  const owner = bareOwner(state);
  const bare = existsSync(owner) ? bareLiving({ owner, uid, pid }) : undefined;
  return {
    async list() {
      const found = new Map<string, Sandbox>();
      for (const each of [...jailed(), ...(bare?.living() ?? [])]) {
        for (const sandbox of sandboxOf(each)) found.set(sandbox.name, sandbox);
      }
      return [...found.values()];
    },
    async end(name) {
      await killAll(() => jailed().flatMap((holding) => (holding.name === name ? holding.holders : [])));
      await bare?.end(name);
    },
  };
}
