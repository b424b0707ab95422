/**
 * Looks through the content of a conversation: refuses blocks that make the API fetch or run something, and counts
 * what costs more tokens than its bytes show. `tool_use.input` is the agent's own data and is not looked into.
 */
import { outputFields, toolFields, turnFields } from "./allowed.ts";
import { isObject, type JsonObject } from "./json.ts";

/** A sentence for the person, or undefined where nothing is wrong. */
export type Objection = string | undefined;

export interface Counts {
  images: number;
  documents: number;
}

/** A tool result holds blocks, and a document in it holds blocks again; deeper is no conversation. */
const deepest = 6;

const plainBlocks: ReadonlySet<unknown> = new Set([
  "text",
  "thinking",
  "redacted_thinking",
  "tool_use",
  "tool_reference",
]);

export const unknownField = (value: JsonObject, known: ReadonlySet<string>): string | undefined =>
  Object.keys(value).find((key) => !known.has(key));

/** The first objection that a list raises. */
function firstOf<T>(list: readonly T[], look: (item: T) => Objection): Objection {
  for (const item of list) {
    const objection = look(item);
    if (objection !== undefined) return objection;
  }
  return undefined;
}

/** The tools of a request: only those that the agent itself runs. */
export const tools = (value: unknown): Objection =>
  Array.isArray(value) ? firstOf(value, tool) : value === undefined ? undefined : "tools must be a list.";

function tool(value: unknown): Objection {
  if (!isObject(value)) return "A tool must be an object.";
  const name = typeof value["name"] === "string" ? value["name"].slice(0, 100) : "without a name";
  const type = value["type"] ?? "custom";
  if (type !== "custom" || !isObject(value["input_schema"])) {
    return `The tool ${name} is not let through: only tools that the agent itself runs, with an input_schema, are.`;
  }
  const field = unknownField(value, toolFields);
  return field === undefined ? undefined : `The field ${field} of the tool ${name} is not let through.`;
}

export function outputConfig(value: unknown): Objection {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return "output_config must be an object.";
  const field = unknownField(value, outputFields);
  return field === undefined ? undefined : `The field output_config.${field} is not let through.`;
}

/** The `messages` of a request. */
export function turns(value: unknown, counts: Counts): Objection {
  if (!Array.isArray(value) || value.length === 0) return "messages must be a list with at least one message.";
  return firstOf(value, (turn: unknown) => {
    if (!isObject(turn)) return "A message must be an object.";
    const field = unknownField(turn, turnFields);
    if (field !== undefined) return `The field ${field} of a message is not let through.`;
    return outputConfig(turn["output_config"]) ?? content(turn["content"], counts, 0);
  });
}

/** A text or a list of blocks. */
export function content(value: unknown, counts: Counts, depth: number): Objection {
  if (typeof value === "string" || value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return "Content must be a text or a list of blocks.";
  if (depth > deepest) return "The content is nested too deeply.";
  return firstOf(value, (each) => block(each, counts, depth));
}

function block(value: unknown, counts: Counts, depth: number): Objection {
  if (!isObject(value)) return "A content block must be an object.";
  const type = value["type"];
  if (plainBlocks.has(type)) return undefined;
  switch (type) {
    case "tool_result":
    case "search_result":
      return content(value["content"], counts, depth + 1);
    case "image":
      counts.images += 1;
      return source(value["source"], counts, depth);
    case "document":
      return source(value["source"], counts, depth);
    case "tool_addition":
    case "tool_removal":
      return toolChange(value["tool"]);
    default:
      return `Content of the type ${String(type).slice(0, 100)} is not let through.`;
  }
}

/** Bytes in the request only: an address would be fetched by the API, and its size would be unknown here. */
function source(value: unknown, counts: Counts, depth: number): Objection {
  if (!isObject(value)) return "An image or a document needs a source.";
  switch (value["type"]) {
    case "base64":
      if (value["media_type"] === "application/pdf") counts.documents += 1;
      return undefined;
    case "text":
      return undefined;
    case "content":
      return content(value["content"], counts, depth + 1);
    default:
      return `Sources of the type ${String(value["type"]).slice(0, 100)} are not let through; send the bytes in the request.`;
  }
}

function toolChange(value: unknown): Objection {
  if (isObject(value) && value["type"] === "tool_reference") return undefined;
  if (isObject(value) && value["type"] === "tool_definition") return tool(value["definition"]);
  return "This change of the tools is not let through.";
}
