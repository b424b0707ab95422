/** Picks from a value what a GraphQL selection asks for, and refuses a field that the value has not, as GitHub does. */

export type Selection = { readonly field: string; readonly alias: string; readonly inside: readonly Selection[] };

/** Reads the selection of a mutation without a schema: names, aliases and braces; arguments are passed over. */
export function readSelection(query: string): Selection[] {
  const tokens: readonly string[] =
    query.replace(/#.*$/gm, "").match(/"(?:\\.|[^"\\])*"|\.\.\.|[_A-Za-z]\w*|[{}():$!,[\]=@]|\d+/g) ?? [];
  let at = tokens.indexOf("{");
  const skipArguments = (): void => {
    for (let depth = 0; at < tokens.length; at++) {
      if (tokens[at] === "(") depth += 1;
      if (tokens[at] === ")" && --depth === 0) break;
    }
    at += 1;
  };
  const block = (): Selection[] => {
    const found: Selection[] = [];
    at += 1;
    while (at < tokens.length && tokens[at] !== "}") {
      let [alias, field] = [tokens[at] ?? "", tokens[at] ?? ""];
      at += 1;
      if (alias === ",") continue;
      if (tokens[at] === ":") {
        field = tokens[at + 1] ?? "";
        at += 2;
      }
      if (tokens[at] === "(") skipArguments();
      found.push({ field, alias, inside: tokens[at] === "{" ? block() : [] });
    }
    at += 1;
    return found;
  };
  return at < 0 ? [] : block();
}

export class UndefinedField extends Error {
  override readonly name = "UndefinedField";
}

/** Throws `UndefinedField` in GitHub's words for a field that is not there. */
export function pick(value: unknown, selection: readonly Selection[], type = "Mutation"): unknown {
  if (selection.length === 0 || value === null || typeof value !== "object") return value;
  const fields = new Map(Object.entries(value));
  return Object.fromEntries(
    selection.map(({ field, alias, inside }) => {
      if (field === "__typename") return [alias, type];
      if (!fields.has(field)) throw new UndefinedField(`Field '${field}' doesn't exist on type '${type}'`);
      return [alias, pick(fields.get(field), inside, field)];
    }),
  );
}
