/**
 * Reads a Dockerfile and carries out its steps in folders of this machine, because a container engine is not everywhere.
 * What it checks: that what is copied is enough to install and to run. What it leaves to an engine: the base image, its
 * packages and its users.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { basename, join } from "node:path";

interface Instruction {
  readonly name: string;
  readonly words: string;
}

/** Comments and line continuations are taken out. */
function instructions(text: string): Instruction[] {
  const lines = text
    .split("\n")
    .filter((line) => !line.startsWith("#"))
    .join("\n")
    .replaceAll(/\s*\\\n\s*/g, " ")
    .split("\n");
  return lines.flatMap((line) => {
    const [, name, words] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? [];
    return name === undefined || words === undefined ? [] : [{ name, words }];
  });
}

export interface Stage {
  /** Folder of this machine that stands for the stage's `/`. */
  readonly root: string;
  workdir: string;
  readonly env: Record<string, string>;
  user: string | undefined;
  command: readonly string[];
  health: readonly string[];
}

export interface Build {
  /** The folder that is sent to the engine. */
  readonly context: string;
  /** An empty folder. */
  readonly into: string;
  /** Whether `.dockerignore` lets a path of the context through. */
  readonly sends: (path: string) => boolean;
  /** PATH of the RUN steps. */
  readonly path: string;
}

/** Only an image of Debian has these. */
const ofTheImage = /^(?:apt-get |rm -rf \/var\/lib\/apt|chown )/;

/** The last stage, built. Throws at an instruction that it does not know or that fails. */
export function build(text: string, how: Build): Stage {
  const stages = new Map<string, Stage>();
  let stage: Stage | undefined;
  for (const { name, words } of instructions(text)) {
    if (name === "FROM") {
      const alias = / AS (\w+)$/.exec(words)?.[1] ?? "last";
      stage = { root: join(how.into, alias), workdir: "/", env: {}, user: undefined, command: [], health: [] };
      mkdirSync(stage.root, { recursive: true });
      stages.set(alias, stage);
    } else if (stage === undefined) throw new Error(`${name} stands before FROM`);
    else step({ name, words }, stage, { ...how, stages });
  }
  if (stage === undefined) throw new Error("there is no FROM");
  return stage;
}

function step({ name, words }: Instruction, stage: Stage, how: Build & { stages: Map<string, Stage> }): void {
  switch (name) {
    case "WORKDIR":
      stage.workdir = words;
      mkdirSync(inside(stage, words), { recursive: true });
      return;
    case "ENV":
      for (const [, key = "", value = ""] of words.matchAll(/(\w+)=(\S+)/g)) stage.env[key] = value;
      return;
    case "USER":
      stage.user = words;
      return;
    case "COPY":
      return copy(words, stage, how);
    case "RUN":
      return run(words, stage, how.path);
    case "CMD":
      stage.command = list(words);
      return;
    case "HEALTHCHECK":
      stage.health = list(words.replace(/^.*? CMD /, ""));
      return;
    case "EXPOSE":
    case "VOLUME":
      return;
    default:
      throw new Error(`${name} is not known here: teach it to test/proof/dockerfile.ts`);
  }
}

/** Where a path of the image is on this machine. */
export const inside = (stage: Stage, path: string): string =>
  join(stage.root, path.startsWith("/") ? path : join(stage.workdir, path));

function list(words: string): string[] {
  const parsed: unknown = JSON.parse(words);
  if (!Array.isArray(parsed)) throw new Error(`${words} is no list: a shell would be the process that gets SIGTERM`);
  return parsed.map(String);
}

function copy(words: string, stage: Stage, { context, sends, stages }: Build & { stages: Map<string, Stage> }): void {
  const parts = words.split(/\s+/);
  const [, from] = /^--from=(\w+)$/.exec(parts[0] ?? "") ?? [];
  const paths = from === undefined ? parts : parts.slice(1);
  const target = paths.at(-1) ?? "";
  const origin = from === undefined ? undefined : stages.get(from);
  if (from !== undefined && origin === undefined) throw new Error(`there is no stage ${from}`);
  for (const path of paths.slice(0, -1)) {
    if (origin === undefined && !sends(path)) throw new Error(`.dockerignore keeps ${path} back`);
    const source = origin === undefined ? join(context, path) : inside(origin, path);
    if (!existsSync(source)) throw new Error(`COPY: there is no ${path}`);
    // A folder's contents are copied, a file goes into a target that ends in a slash.
    cpSync(source, inside(stage, target.endsWith("/") ? join(target, basename(path)) : target), {
      recursive: true,
      verbatimSymlinks: true,
    });
  }
}

function run(words: string, stage: Stage, path: string): void {
  for (const command of words.split(" && ").filter((each) => !ofTheImage.test(each))) {
    const here = command.replaceAll(/(?<=\s)\/(?=\w)/g, `${stage.root}/`);
    const { status, stderr } = spawnSync("/bin/sh", ["-c", here], {
      cwd: inside(stage, stage.workdir),
      env: { ...stage.env, PATH: path, HOME: "/tmp" },
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`RUN ${command}: ${stderr}`);
  }
}
