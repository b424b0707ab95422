/**
 * A sandbox where there is no bubblewrap: a plain process. Its files lie below a directory of its own that
 * `MODAL_STAND_IN_ROOT` names, since the paths of production belong to the machine.
 */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { insidePath, openBeside, throughShell, type Ground, type Started } from "./machine.ts";
import { families, send } from "./processes.ts";
import { layOut } from "./root.ts";

function lay(root: string, ground: Ground): void {
  layOut(root, ground);
  if (ground.contents.programs["node"] !== undefined) symlinkSync(process.execPath, join(root, "usr/local/bin/node"));
  for (const { from, at } of ground.mounts) {
    mkdirSync(dirname(join(root, at)), { recursive: true });
    symlinkSync(from, join(root, at));
  }
}

export async function startBare(
  ground: Ground,
  command: readonly string[],
  watch: (main: ChildProcess) => void,
): Promise<Started> {
  const root = join(ground.directory, "root");
  mkdirSync(root, { recursive: true });
  lay(root, ground);
  const env = {
    PATH: `${join(root, "usr/local/bin")}:${insidePath}`,
    HOME: join(root, "root"),
    TMPDIR: join(root, "tmp"),
    LANG: "C.UTF-8",
    MODAL_STAND_IN_ROOT: root,
    ...ground.contents.env,
    ...ground.env,
  };
  const begin = (workdir: string, asked: readonly string[], more: object): ChildProcess => {
    const [program = "/bin/sh", ...args] = throughShell(workdir === "/" ? root : join(root, workdir), asked);
    return spawn(program, args, { env: { ...env, ...more }, detached: true, stdio: ["pipe", "pipe", "pipe"] });
  };
  const main = begin(ground.workdir, command, {});
  const beside = openBeside();
  const gone = once(main, "close");
  watch(main);
  const family = (): number[] => families([main.pid ?? 0, ...beside.pids()]);
  return {
    main,
    run: (asked, more) => beside.add(begin(more.workdir ?? ground.workdir, asked, more.env)),
    signal(name) {
      for (const pid of family()) send(pid, name);
    },
    async kill() {
      const all = family();
      // A group holds also what no longer descends from its first process.
      for (const pid of all) send(-pid, "SIGKILL");
      for (const pid of all) send(pid, "SIGKILL");
      await gone;
    },
    family,
  };
}
