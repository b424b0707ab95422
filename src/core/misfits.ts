/** What of a value does not fit its schema, in words for whoever wrote it: the key, what is wrong with it, and the way out. */
import { z } from "zod";
import { nameHint, nearestOf } from "./nearest.ts";

export interface Misfit {
  readonly path: readonly PropertyKey[];
  /** What is wrong, to stand behind the key and without a full stop: `there is no such key`. */
  readonly message: string;
  /** What to do about it, as a sentence; "" where the message says it. */
  readonly cure: string;
}

/** Every misfit of a value, in the order of the schema. */
export function misfitsOf(schema: z.ZodType, value: unknown): Misfit[] {
  const { error } = schema.safeParse(value, { reportInput: true });
  return (error?.issues ?? []).flatMap((issue) => explain(schema, issue, []));
}

/** `labels."parhelia:gpu-a100".gpu`, as it can be written in the file; a place in a list is left out. */
export const keyText = (path: readonly PropertyKey[]): string =>
  path
    .filter((part) => typeof part !== "number")
    .map((part) => (/^[\w-]+$/.test(String(part)) ? String(part) : JSON.stringify(String(part))))
    .join(".");

function explain(schema: z.ZodType, issue: z.core.$ZodIssue, above: readonly PropertyKey[]): Misfit[] {
  const path = [...above, ...issue.path];
  if (issue.code === "unrecognized_keys") return issue.keys.map((name) => unknownKey(schema, path, name));
  if (issue.code === "invalid_union") {
    const branch = nearestBranch(issue.errors);
    if (branch !== undefined) return branch.flatMap((each) => explain(schema, each, path));
  }
  const description = schemaAt(schema, path)?.description;
  const expected = description === undefined ? "" : `It is: ${description}.`;
  if (issue.code === "invalid_value") {
    const known = issue.values.map(String);
    const hint = typeof issue.input === "string" ? nearestOf(issue.input, known) : undefined;
    const cure = `It can be: ${known.join(", ")}.${hint === undefined ? "" : ` Did you mean ${hint}?`}`;
    return [{ path, message: `${shown(issue.input)} is not known here`, cure }];
  }
  const { message, cure } = inSentences(worded(issue));
  return [{ path, message, cure: cure === "" ? expected : cure }];
}

const kinds: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a table",
  record: "a table",
};

/** A message that begins with "is" needs the value in front; one of our readers has it in itself. */
function worded(issue: z.core.$ZodIssue): string {
  if (issue.code === "invalid_type") return `${shown(issue.input)} is not ${kinds[issue.expected] ?? issue.expected}`;
  if (issue.code === "too_small" || issue.code === "too_big") {
    const isCounted = issue.origin === "array" || issue.origin === "string";
    const [less, more] = isCounted ? ["too short", "too long"] : ["too small", "too large"];
    return `${shown(issue.input)} is ${issue.code === "too_small" ? less : more}`;
  }
  if (issue.code === "invalid_union") return `${shown(issue.input)} does not fit`;
  if (issue.message.startsWith("is ")) return `${shown(issue.input)} ${issue.message}`;
  return issue.code === "custom" ? issue.message : `${shown(issue.input)}: ${issue.message}`;
}

function unknownKey(schema: z.ZodType, path: readonly PropertyKey[], name: string): Misfit {
  const at = [...path, name];
  const what = path.length === 0 ? "there is no such section here" : "there is no such key";
  return { path: at, message: what, cure: nameHint(name, keysAt(schema, path)).trim() };
}

/** The branch of a union whose kind of value was given, though something in it is wrong. */
function nearestBranch(branches: readonly (readonly z.core.$ZodIssue[])[]): readonly z.core.$ZodIssue[] | undefined {
  const isOfKind = (issues: readonly z.core.$ZodIssue[]): boolean =>
    issues.every((issue) => issue.code !== "invalid_type" || issue.path.length > 0);
  return branches.find(isOfKind);
}

/** The first sentence says what is wrong, the others what to do. */
function inSentences(text: string): { message: string; cure: string } {
  const end = /\.(?= [A-Z])/.exec(text)?.index;
  return end === undefined ? { message: text, cure: "" } : { message: text.slice(0, end), cure: text.slice(end + 2) };
}

const longestShown = 60;

/** A value as it was written, cut where it is long; what holds others can be too deep to be written out. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "this list";
  if (typeof value === "object" && value !== null && !(value instanceof Date)) return "this table";
  const text = JSON.stringify(value) ?? String(value);
  return text.length > longestShown ? `${text.slice(0, longestShown)}…` : text;
}

/** Names of the keys that the table at this path can have; none where it is no table. */
export function keysAt(schema: z.ZodType, path: readonly PropertyKey[]): string[] {
  const found = schemaAt(schema, path);
  return found instanceof z.ZodObject ? Object.keys(found.shape) : [];
}

/** The schema of the key at a path, without what makes it optional; undefined where a list or a union is in between. */
function schemaAt(schema: z.ZodType, path: readonly PropertyKey[]): z.ZodType | undefined {
  let at: unknown = schema;
  for (const part of path) {
    at = bare(at);
    if (at instanceof z.ZodObject) at = Object.entries(at.shape).find(([key]) => key === part)?.[1];
    else if (at instanceof z.ZodRecord) at = at.valueType;
    else return at instanceof z.ZodType ? at : undefined;
  }
  at = bare(at);
  return at instanceof z.ZodType ? at : undefined;
}

/** Descriptions stand on the value itself, below what makes it optional. */
function bare(schema: unknown): unknown {
  let at = schema;
  while (at instanceof z.ZodOptional || at instanceof z.ZodDefault || at instanceof z.ZodPrefault) at = at.unwrap();
  return at;
}
