/** The settings of a repository as the service works with them: what the file says, over what holds without a file. */
import type { z } from "zod";
import { keyText, misfitsOf, type Misfit } from "../misfits.ts";
import { SettingsFile, shippedLabels, type LabelTable } from "./schema.ts";

export type Label = LabelTable;

export type Settings = Omit<z.output<typeof SettingsFile>, "labels"> & {
  /** By name; those that Parhelia brings along among them, unless they are switched off. */
  readonly labels: ReadonlyMap<string, Label>;
};

/** What is wrong in a file, for the person who wrote it. */
export interface Problem {
  /** From 1. */
  readonly line: number;
  /** `labels."parhelia:gpu-a100".gpu`; "" where the text is no TOML. */
  readonly key: string;
  /** Without the key and without a full stop; untrusted where it shows what was written. */
  readonly message: string;
  /** A sentence, or "" where the message says it. */
  readonly cure: string;
}

export type SettingsRead =
  | { readonly ok: true; readonly settings: Settings }
  | { readonly ok: false; readonly misfits: readonly Misfit[] };

/** Reads the tables of a file. */
export function settingsFrom(tables: unknown): SettingsRead {
  const parsed = SettingsFile.safeParse(tables);
  if (!parsed.success) return { ok: false, misfits: misfitsOf(SettingsFile, tables) };
  return { ok: true, settings: { ...parsed.data, labels: withShipped(parsed.data.labels) } };
}

/** A table for a label that Parhelia brings along says only what is different. */
function withShipped(given: Readonly<Record<string, Label>>): Map<string, Label> {
  const merged = new Map(Object.entries(shippedLabels));
  for (const [name, label] of Object.entries(given)) {
    const shipped = [...merged.keys()].find((each) => isSameLabel(each, name));
    if (shipped !== undefined) merged.delete(shipped);
    merged.set(name, { ...(shipped === undefined ? {} : shippedLabels[shipped]), ...label });
  }
  for (const [name, label] of merged) if (label.enabled === false) merged.delete(name);
  return merged;
}

/** What holds in a repository without a file. */
export function defaultSettings(): Settings {
  const read = settingsFrom({});
  if (!read.ok) throw new Error("the settings do not hold without a file");
  return read.settings;
}

/** GitHub does not tell labels apart by case. */
const isSameLabel = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

/** What a label of this name starts here; undefined for one that starts nothing. */
export const labelNamed = (settings: Settings, name: string): Label | undefined =>
  [...settings.labels].find(([each]) => isSameLabel(each, name))?.[1];

export const problemOf = (misfit: Misfit, line: number): Problem => ({
  line,
  key: keyText(misfit.path),
  message: misfit.message,
  cure: misfit.cure,
});

/** `sandbox.cpu: … . …`, on one line; untrusted. */
export const problemWords = ({ key, message, cure }: Problem): string =>
  `${key === "" ? "" : `${key}: `}${message}.${cure === "" ? "" : ` ${cure}`}`;
