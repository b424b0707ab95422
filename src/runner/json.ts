/** Reading JSON of unknown shape: every look gives a value of the wanted kind, whatever was there. */

/** The parsed text, or undefined where it is no JSON. */
export function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** What lies at the end of these names, or undefined. */
export function get(value: unknown, ...names: string[]): unknown {
  let at: unknown = value;
  for (const name of names) at = Object.getOwnPropertyDescriptor(at ?? {}, name)?.value;
  return at;
}

/** Without the entries whose name this refuses. */
export const only = <T>(all: NodeJS.Dict<T>, isKept: (name: string) => boolean): NodeJS.Dict<T> =>
  Object.fromEntries(Object.entries(all).filter(([name]) => isKept(name)));

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

export const number = (value: unknown): number => (typeof value === "number" && Number.isFinite(value) ? value : 0);

export const list = (value: unknown): unknown[] => (Array.isArray(value) ? value : []);
