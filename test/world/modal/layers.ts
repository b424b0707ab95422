/**
 * What building a layer makes of an image, without a registry, a network or a package manager: the instructions that
 * tell what a sandbox will find are understood, all are recorded, none is run.
 */
export interface Contents {
  /** Program → version: `node` and `claude`, which a sandbox of the image then has. */
  readonly programs: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly workdir: string | undefined;
  readonly user: string | undefined;
  /** What runs where a sandbox names no command. */
  readonly command: readonly string[];
  readonly users: readonly { readonly name: string; readonly uid: number }[];
  readonly directories: readonly string[];
}

export const nothing: Contents = {
  programs: {},
  env: {},
  workdir: undefined,
  user: undefined,
  command: [],
  users: [],
  directories: [],
};

/** The build ends there; the words are those a build shows. */
export class BuildFailure extends Error {}

interface Instruction {
  readonly word: string;
  readonly rest: string;
}

function instructions(commands: readonly string[]): Instruction[] {
  const lines = commands.join("\n").replaceAll(/\\\n/g, " ").split("\n");
  const told = lines.map((line) => line.trim()).filter((line) => line !== "" && !line.startsWith("#"));
  return told.map((line) => {
    const [word = "", ...rest] = line.split(/\s+/);
    return { word: word.toUpperCase(), rest: rest.join(" ") };
  });
}

const unquoted = (text: string): string => text.replace(/^(["'])(.*)\1$/, "$2");

function environment(rest: string): Record<string, string> {
  if (!/^[A-Za-z_]\w*=/.test(rest)) {
    const [name = "", ...value] = rest.split(" ");
    return { [name]: unquoted(value.join(" ")) };
  }
  const pairs = rest.matchAll(/([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g);
  return Object.fromEntries(Array.from(pairs, ([, name = "", value = ""]) => [name, unquoted(value)]));
}

function commandOf(rest: string): string[] {
  if (!rest.startsWith("[")) return ["/bin/sh", "-c", rest];
  const words: unknown = JSON.parse(rest);
  return Array.isArray(words) ? words.map(String) : [];
}

const nodeIn =
  /nodesource\.com\/setup_(\d+)|nodejs\.org\/dist\/v?(\d[\d.]*)|\bnode(?:js)?[@:=](\d[\w.]*)|install\b[^&|;]*\bnodejs\b/;
const claudeIn =
  /@anthropic-ai\/claude-code(?:@([\w.-]+))?|claude\.ai\/install\.sh\s*\|\s*\w+(?: -s(?: --)? ([\w.-]+))?/;

function run(had: Contents, script: string): Contents {
  const node = nodeIn.exec(script);
  const programs = {
    ...had.programs,
    ...(node === null ? {} : { node: node[1] ?? node[2] ?? node[3] ?? "18" }),
  };
  if (/\bnpm (?:i|install|ci)\b/.test(script) && programs["node"] === undefined) {
    throw new BuildFailure("/bin/sh: 1: npm: not found\nRUN failed with exit code 127");
  }
  const claude = claudeIn.exec(script);
  const users = Array.from(script.matchAll(/\b(?:useradd|adduser)\b([^&|;]*)/g), ([, words = ""], n) => ({
    name: words.trim().split(/\s+/).at(-1) ?? "",
    uid: Number(/(?:-u|--uid)[ =](\d+)/.exec(words)?.[1] ?? 1000 + had.users.length + n),
  }));
  const made = Array.from(script.matchAll(/\bmkdir\b([^&|;]*)/g), ([, words = ""]) => words.split(/\s+/)).flat();
  return {
    ...had,
    programs: claude === null ? programs : { ...programs, claude: claude[1] ?? claude[2] ?? "latest" },
    users: [...had.users, ...users],
    directories: [...had.directories, ...made.filter((path) => path.startsWith("/"))],
  };
}

const recorded = [
  "ADD",
  "ARG",
  "COPY",
  "EXPOSE",
  "HEALTHCHECK",
  "LABEL",
  "MAINTAINER",
  "SHELL",
  "STOPSIGNAL",
  "VOLUME",
];

function follow(had: Contents, { word, rest }: Instruction): Contents {
  if (word === "RUN") return run(had, rest);
  if (word === "ENV") return { ...had, env: { ...had.env, ...environment(rest) } };
  if (word === "WORKDIR") return { ...had, workdir: rest, directories: [...had.directories, rest] };
  if (word === "USER") return { ...had, user: rest };
  if (word === "CMD" || word === "ENTRYPOINT") return { ...had, command: commandOf(rest) };
  // `FROM node:24-bookworm` brings Node, and so does a copy out of such an image.
  const node = word === "FROM" || word === "COPY" ? /\bnode:(\d[\w.]*)/.exec(rest)?.[1] : undefined;
  if (node !== undefined) return { ...had, programs: { ...had.programs, node } };
  if (word === "FROM" || recorded.includes(word)) return had;
  throw new BuildFailure(`dockerfile parse error: unknown instruction: ${word}`);
}

/** Throws a `BuildFailure`. */
export const buildLayer = (base: Contents, commands: readonly string[]): Contents =>
  instructions(commands).reduce(follow, base);
