/**
 * A repository's settings and those of a service that was started in it are one file, `.parhelia/config.toml`, and a key
 * that both have means the same. So whoever reads it for a service passes over what is for tasks on GitHub alone.
 */
import { keysAt } from "../misfits.ts";
import { SettingsFile } from "./schema.ts";

export interface Split {
  /** What is left for the service's own schema, unknown names among it. */
  readonly ours: Record<string, unknown>;
  /** `who`, `sandbox.network`: what only the repository's tasks know. */
  readonly passedOver: readonly string[];
}

/** `known` says the service's own keys of a section; undefined for a section that it does not have. */
export function splitSettings(
  read: Readonly<Record<string, unknown>>,
  known: (section: string) => readonly string[] | undefined,
): Split {
  const ours: Record<string, unknown> = {};
  const passedOver: string[] = [];
  const theirs = keysAt(SettingsFile, []);
  for (const [section, values] of Object.entries(read)) {
    const keys = known(section);
    if (keys === undefined && theirs.includes(section)) passedOver.push(section);
    else if (keys === undefined || !isTable(values)) ours[section] = values;
    else {
      const without = new Set(keysAt(SettingsFile, [section]).filter((key) => !keys.includes(key)));
      const kept = Object.entries(values).filter(([key]) => !without.has(key));
      ours[section] = Object.fromEntries(kept);
      passedOver.push(...Object.keys(values).flatMap((key) => (without.has(key) ? [`${section}.${key}`] : [])));
    }
  }
  return { ours, passedOver };
}

export const isTable = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value);
