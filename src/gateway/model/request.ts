/**
 * Reads one request and decides whether it may go to the model. What goes on is written anew from what was read here,
 * never the bytes that came: with a key twice in one object, another reader could see another request.
 */
import { mostInputTokens, withoutReleaseDate, type CacheTtl } from "../../core/pricing.ts";
import { hasMoreValues } from "../json-values.ts";
import { isFreeEdit, messageFields } from "./allowed.ts";
import { invalid, tooMuch, type No } from "./answers.ts";
import { content, outputConfig, tools, turns, unknownField, type Counts, type Objection } from "./content.ts";
import { isObject, parseObject, type JsonObject } from "./json.ts";

/** Limit of the Messages API. */
const mostBytes = 32 * 1024 * 1024;
/** Far above what the longest conversation has. */
const mostValues = 500_000;
/** Far above what any model gives; keeps the sums within their range. */
const mostOutputTokens = 1_000_000;

export interface ModelRequest {
  readonly model: string;
  /** As JSON, to be sent. */
  readonly body: JsonObject;
  readonly stream: boolean;
  readonly maxTokens: number;
  /** What was counted in it beside its bytes. */
  readonly counts: Readonly<Counts>;
  /** A bound, never below what will be counted. */
  readonly inputTokens: number;
  readonly cacheTtl: CacheTtl;
}

export type ReadRequest =
  | { readonly ok: true; readonly request: ModelRequest }
  | { readonly ok: false; readonly no: No };

export type Purpose = "answer" | "count";

const refuse = (no: No): ReadRequest => ({ ok: false, no });

export interface Asking {
  readonly purpose: Purpose;
  /** The names, without release dates, that may be asked. */
  readonly models: readonly string[];
  /** False where no more bytes may be kept for this attempt. */
  readonly keep: (bytes: number) => boolean;
}

/** Reads the body of a call. */
export async function readRequest(incoming: Request, ask: Asking): Promise<ReadRequest> {
  const text = await boundedText(incoming, ask.keep);
  if (typeof text !== "string") return refuse(text);
  if (hasMoreValues(text, mostValues)) {
    return refuse({ status: 413, type: "request_too_large", message: "The request is above 500,000 JSON values." });
  }
  const body = parseObject(text);
  if (body === undefined) return refuse(invalid("The request is not a JSON object."));
  const model = body["model"];
  if (typeof model !== "string") return refuse(invalid("The request names no model."));
  if (!ask.models.some((allowed) => withoutReleaseDate(allowed) === withoutReleaseDate(model))) {
    return refuse({ status: 404, type: "not_found_error", message: modelNotAllowed(model, ask.models) });
  }
  const counts: Counts = { images: 0, documents: 0 };
  const objection = objectionTo(body, ask.purpose, counts);
  if (objection !== undefined) return refuse(invalid(objection));
  return { ok: true, request: measured(body, model, counts) };
}

const modelNotAllowed = (model: string, models: readonly string[]): string =>
  `The model ${model.slice(0, 100)} is not allowed here. Allowed: ${models.join(", ")}.`;

/** The request with its bounds. */
export function measured(body: JsonObject, model: string, counts: Readonly<Counts>): ModelRequest {
  const json = JSON.stringify(body);
  return {
    model,
    body,
    counts,
    stream: body["stream"] === true,
    maxTokens: typeof body["max_tokens"] === "number" ? body["max_tokens"] : 0,
    inputTokens: mostInputTokens({ bytes: Buffer.byteLength(json), ...counts }),
    // Seen in the whole text, so that no place where a cache mark may stand is missed.
    cacheTtl: json.includes('"ttl":"1h"') ? "1h" : "5m",
  };
}

function objectionTo(body: JsonObject, purpose: Purpose, counts: Counts): Objection {
  const field = unknownField(body, messageFields);
  if (field !== undefined) return `The field ${field.slice(0, 100)} is not let through.`;
  return (
    (purpose === "answer" ? outputLimit(body["max_tokens"]) : undefined) ??
    flag(body["stream"]) ??
    thinking(body["thinking"]) ??
    edits(body["context_management"]) ??
    outputConfig(body["output_config"]) ??
    tools(body["tools"]) ??
    content(body["system"], counts, 0) ??
    turns(body["messages"], counts)
  );
}

const outputLimit = (value: unknown): Objection =>
  typeof value === "number" && Number.isInteger(value) && value >= 1 && value <= mostOutputTokens
    ? undefined
    : "max_tokens must be a whole number from 1 to 1,000,000.";

const flag = (value: unknown): Objection =>
  value === undefined || typeof value === "boolean" ? undefined : "stream must be true or false.";

function thinking(value: unknown): Objection {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value)) return "thinking must be an object.";
  if (value["type"] !== "enabled") return undefined;
  return Number.isInteger(value["budget_tokens"]) ? undefined : "thinking.budget_tokens must be a whole number.";
}

function edits(value: unknown): Objection {
  if (value === undefined || value === null) return undefined;
  if (!isObject(value) || unknownField(value, new Set(["edits"])) !== undefined) {
    return "context_management may hold edits only.";
  }
  const list = value["edits"] ?? [];
  if (Array.isArray(list) && list.every((edit: unknown) => isObject(edit) && isFreeEdit(edit["type"])))
    return undefined;
  return "Of context_management only the clearing of thinking and of tool uses is let through.";
}

/** The body as text, or "no" as soon as it is above a limit, so that memory stays bounded. */
async function boundedText(incoming: Request, keep: Asking["keep"]): Promise<string | No> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of incoming.body ?? []) {
    bytes += chunk.byteLength;
    if (bytes > mostBytes) return { status: 413, type: "request_too_large", message: "The request is above 32 MB." };
    if (!keep(chunk.byteLength)) return tooMuch;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
