/**
 * The only reader of the environment and of the service's configuration file `.parhelia/config.toml`, at the root of the
 * repository or the folder that the service is started in. Strict: an unknown key or a wrong value stops the start with
 * its name, its place and the nearest right one. Secrets come from the environment alone.
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { parse, TomlError } from "smol-toml";
import { z } from "zod";
import { nameHint } from "./core/nearest.ts";
import { fallbacks, sections } from "./core/service-settings.ts";
import { isTable, splitSettings } from "./core/settings/beside-service.ts";

export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

const schema = z.strictObject(sections);

/** Secrets, read from the environment and never printed. */
const secretNames = {
  ANTHROPIC_API_KEY: "the key for model calls; it stays in the service",
  PARHELIA_GITHUB_PRIVATE_KEY: "the App's private key as PEM text (or `github.private_key_path`)",
  PARHELIA_GITHUB_WEBHOOK_SECRET: "the App's webhook secret",
  PARHELIA_OPERATOR_WEBHOOK_SECRET: "signs what is posted to `operator.webhook`",
  MODAL_TOKEN_ID: "names the token of the Modal account that sandboxes run in",
  MODAL_TOKEN_SECRET: "the secret of that token",
  UPSTASH_REDIS_REST_TOKEN: "the token of the database at `store.url`",
} as const;

type SecretName = keyof typeof secretNames;
type OldName = `${SecretName}_OLD`;
/** While a secret is changed, the one before: as long as it is still good somewhere it is hidden as well. */
const oldOf = (name: string): string => `${name}_OLD`;
const allSecretNames = Object.keys(secretNames).flatMap((name) => [name, oldOf(name)]);

export type Secrets = Readonly<Partial<Record<SecretName | OldName, string>>>;

export interface Config {
  readonly settings: z.output<typeof schema>;
  readonly secrets: Secrets;
  /** Folder that `.parhelia/` is in. */
  readonly root: string;
  /** The settings in the words they were given in. */
  readonly given: Readonly<Record<string, unknown>>;
  /** Sections and keys of the file that are for tasks on GitHub of the repository that it lies in. */
  readonly passedOver: readonly string[];
  /** The PATH on which installed programs are found. */
  readonly searched: string;
  readonly file: string | undefined;
  /** Where each key that is not a default comes from: `server.port` → `PARHELIA_SERVER_PORT`. */
  readonly from: ReadonlyMap<string, string>;
}

/** `directory` is where the program was started; the root is the nearest folder above it with a `.git` or a `.parhelia`. */
export function readConfig(directory: string, env: Readonly<Record<string, string | undefined>>): Config {
  const root = findRoot(resolve(directory));
  const path = join(root, ".parhelia", "config.toml");
  const file = existsSync(path) ? path : undefined;
  const from = new Map<string, string>();
  const read = file === undefined ? {} : readToml(file, relative(directory, file) || file);
  const { ours: given, passedOver } = splitSettings(read, (section) =>
    Object.hasOwn(sections, section) ? keysOf(section) : undefined,
  );
  for (const [section, values] of Object.entries(given)) {
    if (typeof values !== "object" || values === null) continue;
    for (const key of Object.keys(values)) from.set(`${section}.${key}`, relative(directory, path));
  }
  const merged = overlay(given, env, from);
  const parsed = schema.safeParse(merged, { reportInput: true });
  if (!parsed.success) throw new ConfigError(parsed.error.issues.map((issue) => explain(issue, from, path)).join("\n"));
  const secrets = Object.fromEntries(allSecretNames.flatMap((name) => (env[name] ? [[name, env[name]]] : [])));
  return { settings: parsed.data, secrets, root, file, from, given: merged, passedOver, searched: env["PATH"] ?? "" };
}

/** The nearest folder above it with a `.git` or a `.parhelia`, or the folder itself. */
export function findRoot(start: string): string {
  for (let at = start; ; at = dirname(at)) {
    if (existsSync(join(at, ".git")) || existsSync(join(at, ".parhelia"))) return at;
    if (dirname(at) === at) return start;
  }
}

function readToml(path: string, shown: string): Record<string, unknown> {
  try {
    return parse(readFileSync(path, "utf8"));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    throw new ConfigError(`${shown}, line ${error.line}: ${error.message.split("\n")[0] ?? ""}`);
  }
}

const keyNames = Object.entries(sections).flatMap(([section, keys]) =>
  Object.keys(keys.shape).map((key) => `${section}.${key}`),
);
const variableOf = (key: string): string => `PARHELIA_${key.replace(".", "_").toUpperCase()}`;

/** Variables go over the file, the file over the fallbacks. A variable that begins with our name and is not ours is a mistake, as an unknown key is. */
function overlay(
  given: Record<string, unknown>,
  env: Readonly<Record<string, string | undefined>>,
  from: Map<string, string>,
): Record<string, unknown> {
  const byVariable = new Map(keyNames.map((key) => [variableOf(key), key]));
  const merged: Record<string, unknown> = { ...given };
  for (const [section, values] of Object.entries(fallbacks)) merged[section] = withFallbacks(given[section], values);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("PARHELIA_") || value === undefined || allSecretNames.includes(name)) continue;
    const key = byVariable.get(name);
    if (key === undefined) {
      const near = nameHint(name, [...byVariable.keys(), ...allSecretNames]);
      throw new ConfigError(`The environment has ${name}, which is no setting of Parhelia.${near}`);
    }
    const [section = "", leaf = ""] = key.split(".");
    const before = merged[section];
    merged[section] = { ...(typeof before === "object" ? before : {}), [leaf]: value };
    from.set(key, name);
  }
  return merged;
}

/** A section that is no table is left as it is, for the schema to refuse. */
const withFallbacks = (given: unknown, values: Record<string, unknown>): unknown =>
  given === undefined || isTable(given) ? { ...values, ...given } : given;

function explain(issue: z.core.$ZodIssue, from: ReadonlyMap<string, string>, path: string): string {
  const [section = "", leaf] = issue.path.map(String);
  const key = leaf === undefined ? section : `${section}.${leaf}`;
  const place = from.get(key) ?? path;
  if (issue.code !== "unrecognized_keys") {
    const value = issue.input === undefined ? "" : ` is ${JSON.stringify(issue.input)}:`;
    return `${place}: ${key}${value} ${issue.message}`;
  }
  return issue.keys
    .map((name) => {
      const known = key === "" ? Object.keys(sections) : keysOf(section);
      const what = key === "" ? `section [${name}]` : `key ${key}.${name}`;
      return `${path}: there is no ${what}.${nameHint(name, known)}`;
    })
    .join("\n");
}

const keysOf = (section: string): string[] =>
  keyNames.flatMap((key) => (key.startsWith(`${section}.`) ? [key.slice(section.length + 1)] : []));

/** One line for each key: its value and where it comes from. Of a secret only whether it is set. */
export function showConfig(config: Config): string {
  const rows = keyNames.map((key) => {
    const value = valueAt(config.given, key);
    const shown = value === undefined ? "(not set)" : JSON.stringify(value);
    return `${key} = ${shown}  # ${config.from.get(key) ?? "default"}`;
  });
  const secrets = Object.entries(secretNames).flatMap(([name, what]) => [
    `${name}: ${name in config.secrets ? "set" : "not set"}  # ${what}`,
    ...(oldOf(name) in config.secrets ? [`${oldOf(name)}: set  # the one before`] : []),
  ]);
  const others = config.passedOver.map(
    (key) => `# ${key}: for tasks on GitHub alone; \`parhelia config check\` reads it`,
  );
  return [
    `# ${config.file ?? "no .parhelia/config.toml"}, root ${config.root}`,
    ...rows,
    ...others,
    "",
    ...secrets,
  ].join("\n");
}

function valueAt(given: Readonly<Record<string, unknown>>, key: string): unknown {
  const [section = "", leaf = ""] = key.split(".");
  const values = given[section];
  return isTable(values) ? new Map(Object.entries(values)).get(leaf) : undefined;
}
