/** Holds the map of CONTRIBUTING.md: who may import whom. It reads the source as text, so that types count as well. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");

interface Source {
  /** From the root of the repository: `src/core/task.ts`. */
  readonly path: string;
  readonly text: string;
  /** `node:fs`, `zod`, or the path of a file of ours from the root. */
  readonly imports: readonly string[];
}

/** Imports and exports from elsewhere, with or without `type`; `import("…")` as a value and as a type. */
const statement =
  /^(?:import|export)\s+(?:[\w*{][^;"']*?\sfrom\s+)?["']([^"'\n]+)["']|\bimport\s*\(\s*["']([^"'\n]+)["']/gm;

const importsIn = (text: string): string[] =>
  Array.from(text.matchAll(statement), ([, stated, called]) => stated ?? called ?? "");

function read(folder: string): Source[] {
  const names = readdirSync(join(root, folder), { recursive: true, encoding: "utf8" });
  return names
    .filter((name) => name.endsWith(".ts"))
    .map((name) => {
      const path = join(folder, name);
      const text = readFileSync(join(root, path), "utf8");
      const at = (found: string) => (found.startsWith(".") ? normalize(join(dirname(path), found)) : found);
      return { path, text, imports: importsIn(text).map(at) };
    });
}

const ours = read("src");
const all = [...ours, ...read("test")];

/** `src/core/ports/store.ts` is in `core`, `src/main.ts` in `main.ts`. */
const placeOf = (path: string): string => path.split("/")[1] ?? "";

/** What each folder may import beside itself. */
const may: Readonly<Record<string, readonly string[]>> = {
  core: [],
  store: ["core"],
  sandbox: ["core"],
  records: ["core"],
  runner: [],
  commands: ["core", "records"],
  engine: ["core", "records"],
  gateway: ["core", "records"],
  github: ["core", "records", "commands"],
  mcp: ["core", "records", "commands"],
  terminal: ["core", "records", "commands"],
  web: ["core", "records", "commands"],
};

/** Here the adapters meet; configuration is read at the edge. */
const entries = [
  "main.ts",
  "assemble.ts",
  "cli.ts",
  "parhelia.ts",
  "operator",
  "config.ts",
  "from-config.ts",
  "open-backend.ts",
];

/** Packages that work on values alone. */
const pure: ReadonlySet<string> = new Set(["zod", "fastest-levenshtein", "croner"]);

function mayImport(from: string, to: string): boolean {
  const here = placeOf(from);
  if (entries.includes(here)) return true;
  if (to.startsWith("test/")) return false;
  // The bundle that every sandbox loads: nothing but the types and constants of what it says to the service.
  if (here === "runner") return to.startsWith("node:") || to.startsWith("src/runner/") || to === "src/core/protocol.ts";
  if (here === "core" && !to.startsWith("src/")) return pure.has(to);
  if (!to.startsWith("src/")) return true;
  return placeOf(to) === here || (may[here] ?? []).includes(placeOf(to));
}

test("every kind of import is seen", () => {
  const text = [
    `import "./a.ts";`,
    `import type { B } from "./b.ts";`,
    `import {\n  c,\n  type C,\n} from "./c.ts";`,
    `export * from "./d.ts";`,
    `export { type E } from "./e.ts";`,
    `import * as f from './f.ts';`,
    `const g = await import("./g.ts");`,
    `let h: import("./h.ts").H;`,
    `const text = 'from "./not.ts"';`,
  ].join("\n");
  expect(importsIn(text)).toEqual(["a", "b", "c", "d", "e", "f", "g", "h"].map((name) => `./${name}.ts`));
});

test("the source is found, and every folder has its row in the table", () => {
  expect(ours.length).toBeGreaterThan(100);
  const places = new Set(ours.map(({ path }) => placeOf(path)));
  expect([...places].filter((place) => !(place in may) && !entries.includes(place))).toEqual([]);
});

test("each folder imports what the table allows", () => {
  const wrong = ours.flatMap(({ path, imports }) =>
    imports.filter((to) => !mayImport(path, to)).map((to) => `${path} imports ${to}`),
  );
  expect(wrong).toEqual([]);
});

test("the entries are imported by nobody below them", () => {
  const isEntry = (path: string): boolean => path.startsWith("src/") && entries.includes(placeOf(path));
  const wrong = ours
    .filter(({ path }) => !isEntry(path))
    .flatMap(({ path, imports }) => imports.filter(isEntry).map((to) => `${path} imports ${to}`));
  expect(wrong).toEqual([]);
});

test("CONTRIBUTING.md shows this table", () => {
  const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
  const rows = Array.from(text.matchAll(/^\| (`\w+`(?:, `\w+`)*) \| (.*) \|$/gm), ([, folders = "", allowed = ""]) => ({
    folders: Array.from(folders.matchAll(/`(\w+)`/g), ([, name]) => name ?? ""),
    allowed: Array.from(allowed.matchAll(/`(\w+)`/g), ([, name]) => name ?? ""),
  }));
  const shown = Object.fromEntries(rows.flatMap(({ folders, allowed }) => folders.map((name) => [name, allowed])));
  // What these two may import is no whole folder, so the page says it in words that `mayImport` holds.
  expect(shown).toEqual({ ...may, core: [], runner: ["core"] });
});

/** One file after the other, back to the first; the first circle that is found. */
function circle(sources: readonly Pick<Source, "path" | "imports">[]): string[] | undefined {
  const imports = new Map(sources.map((source) => [source.path, source.imports]));
  const clear = new Set<string>();
  const walk = (path: string, trail: readonly string[]): string[] | undefined => {
    const seen = trail.indexOf(path);
    if (seen !== -1) return [...trail.slice(seen), path];
    if (clear.has(path)) return undefined;
    for (const to of imports.get(path) ?? []) {
      const found = walk(to, [...trail, path]);
      if (found !== undefined) return found;
    }
    clear.add(path);
    return undefined;
  };
  for (const { path } of sources) {
    const found = walk(path, []);
    if (found !== undefined) return found;
  }
  return undefined;
}

test("nothing imports itself by way of others", () => {
  expect(
    circle([
      { path: "a", imports: ["b"] },
      { path: "b", imports: ["c", "a"] },
    ]),
  ).toEqual(["a", "b", "a"]);
  expect(circle(all)).toBeUndefined();
});

test("no file is named after nothing in particular", () => {
  const vague = /^(?:utils?|helpers?|common|types?|index|misc|shared)\.ts$/;
  expect(all.map(({ path }) => path).filter((path) => vague.test(basename(path)))).toEqual([]);
});

test("the environment is read at the edge", () => {
  const reads = /\bprocess\.env\b|\bprocess\[|\benv\b[^=;]*\}\s*=\s*process\b/;
  expect(reads.test("const { argv, env } = process;")).toBe(true);
  const readers = ours.filter(({ text }) => reads.test(text)).map(({ path }) => path);
  expect(readers.toSorted()).toEqual([
    // Hands it to config.ts.
    "src/cli.ts",
    // Text of a program that runs in the sandbox.
    "src/core/boot.ts",
    // Likewise.
    "src/operator/e2e/boot-probe.ts",
    // Hands it to config.ts.
    "src/parhelia.ts",
    // The program in the sandbox.
    "src/runner/main.ts",
    // Likewise.
    "src/sandbox/local/hand-script.ts",
  ]);
});

test("time and chance come in as arguments", () => {
  const ambient = /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandomUUID\(/;
  const readers = ours.filter(({ text }) => ambient.test(text)).map(({ path }) => path);
  expect(readers.toSorted()).toEqual(["src/core/boot.ts", "src/main.ts", "src/runner/timing.ts"]);
});

test("files stay below 250 lines", () => {
  const long = ours.map(({ path, text }) => ({ path, lines: text.split("\n").length - 1 }));
  expect(long.filter(({ lines }) => lines >= 250)).toEqual([]);
});
