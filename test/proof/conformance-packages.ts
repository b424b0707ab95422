/**
 * Installs GitHub's published descriptions beside the project: they are several hundred megabytes, and only one proof reads them.
 */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const versions: Readonly<Record<string, string>> = {
  "@octokit/openapi": "23.0.2",
  "@octokit/openapi-webhooks": "12.1.0",
  "@octokit/graphql-schema": "15.26.1",
  ajv: "8.20.0",
  "ajv-formats": "3.0.1",
  graphql: "17.1.0",
};

export type Packages = {
  /** A package's CommonJS entry, or a file of it. */
  load(name: string): unknown;
  /** A file of a package as text. */
  text(path: string): string;
};

/** Kept between runs in a folder named after the versions. Undefined, with a line that says why, where npm cannot install. */
export function installDescriptions(): Packages | undefined {
  const folder = join(tmpdir(), `parhelia-conformance-${Object.values(versions).join("-")}`);
  const modules = join(folder, "node_modules");
  if (!Object.keys(versions).every((name) => existsSync(join(modules, name, "package.json")))) {
    mkdirSync(folder, { recursive: true });
    const wanted = Object.entries(versions).map(([name, version]) => `${name}@${version}`);
    const options = ["--no-save", "--ignore-scripts", "--no-audit", "--no-fund"];
    const npm = spawnSync("npm", ["install", "--prefix", folder, ...options, ...wanted], { encoding: "utf8" });
    if (npm.status !== 0) {
      const why = `npm could not install GitHub's descriptions (${wanted.join(", ")}): ${npm.error?.message ?? npm.stderr}`;
      if (process.env["CI"] === "true") throw new Error(why);
      console.warn(`skipped, ${why}`);
      return undefined;
    }
  }
  const load = createRequire(join(modules, "from-here.cjs"));
  return { load: (name) => load(name), text: (path) => readFileSync(join(modules, path), "utf8") };
}
