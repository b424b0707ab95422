/** A sandbox in bubblewrap: the paths of production, a process namespace whose end is the end of all of it. */
import { spawn, type ChildProcess } from "node:child_process";
import { lstatSync, mkdirSync, readlinkSync, realpathSync } from "node:fs";
import { once } from "node:events";
import { dirname, join } from "node:path";
import { insidePath, openBeside, throughShell, type Ground, type Started } from "./machine.ts";
import { families, send } from "./processes.ts";
import { insideClaude, layOut } from "./root.ts";

/** Of util-linux, as every Debian has it. */
const nsenter = "/usr/bin/nsenter";

const exists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;

function system(): string[] {
  const roots = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"].filter(exists);
  return roots.flatMap((path) =>
    lstatSync(path).isSymbolicLink() ? ["--symlink", readlinkSync(path), path] : ["--ro-bind", path, path],
  );
}

/** From the machine's own: certificates, and where `/usr/bin` points to elsewhere. */
const shown = ["/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/alternatives", "/etc/ld.so.cache"];
/** An image without Node must not find the machine's. */
const hidden = ["/usr/bin/node", "/usr/bin/npm", "/usr/bin/npx", "/usr/bin/claude"];

/** It comes with Node, as in every image of it: this machine's own, at another place than the hidden one. */
const insideNpm = "/usr/local/lib/node_modules/npm";
const npmScript = `#!/bin/sh\nexec node ${insideNpm}/bin/npm-cli.js "$@"\n`;

function npm(): string[] {
  const program = ["/usr/bin/npm", "/usr/local/bin/npm"].find(exists);
  return program === undefined ? [] : ["--ro-bind", dirname(dirname(realpathSync(program))), insideNpm];
}

const withNpm = (ground: Ground): Ground =>
  ground.contents.programs["node"] === undefined
    ? ground
    : { ...ground, scripts: { "/usr/local/bin/npm": npmScript, ...ground.scripts } };

/** Made by itself, a directory on the way would be closed to all but root. */
function onTheWay(paths: readonly string[]): string[] {
  const above = paths.flatMap((path) => {
    const parts = path.split("/").slice(1, -1);
    return parts.map((_, n) => `/${parts.slice(0, n + 1).join("/")}`);
  });
  return [...new Set(above)].flatMap((path) => ["--perms", "0755", "--dir", path]);
}

function argv(bwrap: string, root: string, ground: Ground): string[] {
  const { contents, claude, mounts, network } = ground;
  const tops = layOut(root, withNpm(ground));
  const bind = (from: string, to: string): string[] => ["--bind", from, to];
  const show = (from: string, to: string): string[] => ["--ro-bind", from, to];
  const words = (line: string): string[] => line.split(" ");
  return [
    bwrap,
    ...words("--unshare-pid --unshare-ipc --unshare-uts --hostname modal --die-with-parent"),
    // As root, a sandbox has real users, as in production; elsewhere it has only one that it takes for root.
    ...(process.getuid?.() === 0 ? [] : words("--unshare-user --uid 0 --gid 0")),
    ...(network.kind === "blocked" ? ["--unshare-net"] : []),
    ...words("--tmpfs / --ro-bind /usr /usr"),
    ...system(),
    ...onTheWay(tops.map((top) => `/${top}`)),
    ...tops.flatMap((top) => bind(join(root, top), `/${top}`)),
    ...onTheWay([...shown, insideClaude, insideNpm, ...mounts.map(({ at }) => at)]),
    ...shown.filter(exists).flatMap((path) => show(path, path)),
    ...words("--proc /proc --dev /dev --perms 1777 --tmpfs /dev/shm"),
    ...hidden.filter(exists).flatMap((path) => show("/dev/null", realpathSync(path))),
    ...(contents.programs["node"] === undefined ? [] : [...show(process.execPath, "/usr/local/bin/node"), ...npm()]),
    ...(claude === undefined || contents.programs["claude"] === undefined ? [] : show(claude, insideClaude)),
    ...mounts.flatMap(({ from, at, readOnly }) => (readOnly ? show(from, at) : bind(from, at))),
    ...words("--json-status-fd 3 --"),
  ];
}

/** Resolves with the whole text when the pattern is in it, or undefined when the process closed the descriptor. */
function hear(outer: ChildProcess, descriptor: number, pattern: RegExp): Promise<RegExpExecArray | undefined> {
  const says = outer.stdio[descriptor];
  if (says === null || says === undefined) throw new Error(`The jail has no descriptor ${descriptor}`);
  let text = "";
  return new Promise((resolve) => {
    says.on("data", (bytes: Buffer) => {
      text += bytes.toString();
      const found = pattern.exec(text);
      if (found !== null) resolve(found);
    });
    says.on("end", () => resolve(undefined));
  });
}

/** Only what runs inside can tell that all is in its place; bubblewrap names its first process before that. */
const sayReady = ["/bin/sh", "-c", 'echo ready >&4; exec "$@" 3>&- 4>&-', "sh"];

/** Undefined where the jail does not stand up; why is in what it wrote on stderr. `watch` gets its process at once. */
export async function startJailed(
  bwrap: string,
  ground: Ground,
  command: readonly string[],
  watch: (main: ChildProcess) => void,
): Promise<Started | undefined> {
  const root = join(ground.directory, "root");
  mkdirSync(root, { recursive: true });
  const env = { PATH: insidePath, HOME: "/root", LANG: "C.UTF-8", ...ground.contents.env, ...ground.env };
  const [program = bwrap, ...args] = [
    ...argv(bwrap, root, ground),
    ...sayReady,
    ...throughShell(ground.workdir, command),
  ];
  const main = spawn(program, args, { env, cwd: "/", stdio: ["pipe", "pipe", "pipe", "pipe", "pipe"] });
  const gone = once(main, "close");
  watch(main);
  const [first, ready] = await Promise.all([hear(main, 3, /"child-pid": (\d+)/), hear(main, 4, /ready/)]);
  if (first === undefined || ready === undefined) return undefined;
  const pid = Number(first[1]);
  const enter = ["-t", `${pid}`, "-m", "-p", "-i", "-u", "--root", "--wd"];
  if (ground.network.kind === "blocked") enter.push("-n");
  if (process.getuid?.() !== 0) enter.push("-U", "--preserve-credentials");
  const beside = openBeside();
  return {
    main,
    run: (asked, more) =>
      beside.add(
        spawn(nsenter, [...enter, "--", ...throughShell(more.workdir ?? ground.workdir, asked)], {
          env: { ...env, ...more.env },
          stdio: ["pipe", "pipe", "pipe"],
        }),
      ),
    signal(name) {
      // The first process of the namespace is bubblewrap's own: with it all would be gone at once.
      for (const one of families([pid, ...beside.pids()])) if (one !== pid) send(one, name);
    },
    async kill() {
      send(pid, "SIGKILL");
      await gone;
    },
    family: () => families([pid, ...beside.pids()]),
  };
}
