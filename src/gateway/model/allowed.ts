/**
 * What a model call may ask for. Everything here is priced by tokens alone and reaches nothing beside the model; what
 * is not here is refused, because it may cost more than was reserved, reach the network, or keep state with the key's
 * owner (server tools, MCP servers, containers, files, batches, fast mode, fallbacks, other service tiers).
 * Field and beta names: what Claude Code 2.1.330 sends with every current model, and the long-standing Messages API.
 */

export const messageFields: ReadonlySet<string> = new Set([
  "model",
  "messages",
  "system",
  "tools",
  "tool_choice",
  "metadata",
  "max_tokens",
  "thinking",
  "temperature",
  "top_p",
  "top_k",
  "stop_sequences",
  "stream",
  "context_management",
  "output_config",
  "cache_control",
]);

export const turnFields: ReadonlySet<string> = new Set(["role", "content", "output_config", "clear_at"]);

export const toolFields: ReadonlySet<string> = new Set([
  "name",
  "description",
  "input_schema",
  "type",
  "cache_control",
  "defer_loading",
  "eager_input_streaming",
  "input_examples",
  "strict",
]);

export const outputFields: ReadonlySet<string> = new Set(["effort", "format"]);

const betas: ReadonlySet<string> = new Set([
  "advanced-tool-use-2025-11-20",
  "claude-code-20250219",
  "context-management-2025-06-27",
  "effort-2025-11-24",
  "extended-cache-ttl-2025-04-11",
  "fine-grained-tool-streaming-2025-05-14",
  "interleaved-thinking-2025-05-14",
  "mid-conversation-system-2026-04-07",
  "mid-conversation-system-clear-at-2026-08-21",
  "mid-conversation-tool-changes-2026-07-01",
  "per-turn-control-2026-07-01",
  "prompt-caching-2024-07-31",
  "prompt-caching-scope-2026-01-05",
  "redact-thinking-2026-02-12",
  "structured-outputs-2025-11-13",
  "structured-outputs-2025-12-15",
  "thinking-display-updates-2026-08-18",
  "thinking-token-count-2026-05-13",
  "token-counting-2024-11-01",
  "tool-search-tool-2025-10-19",
]);

/** Clearing old parts of the prompt is free; other edits, such as compaction, are model calls of their own. */
export const isFreeEdit = (type: unknown): boolean =>
  typeof type === "string" && /^clear_(?:thinking|tool_uses)_\d{8}$/.test(type);

/** The names in an `anthropic-beta` header, and the first that is not let through. */
export function readBetas(header: string | undefined): { readonly names: string[]; readonly refused?: string } {
  const names = (header ?? "")
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "");
  const refused = names.find((name) => !betas.has(name));
  return refused === undefined ? { names } : { names, refused };
}
