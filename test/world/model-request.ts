/** How the stand-in for the model reads a request, and which rules of the Messages API it keeps. */
import type { IncomingMessage } from "node:http";
import { z } from "zod";
import type { Asked, ToolRun } from "./model-script.ts";

const Content = z.union([z.string(), z.array(z.looseObject({ type: z.string() }))]);
const Body = z.looseObject({
  model: z.string().default(""),
  max_tokens: z.int().optional(),
  stream: z.boolean().default(false),
  thinking: z.looseObject({ type: z.string(), budget_tokens: z.int().optional() }).optional(),
  tools: z.array(z.looseObject({ name: z.string() })).default([]),
  system: Content.optional(),
  messages: z.array(z.looseObject({ role: z.string(), content: Content })).default([]),
});
const ToolUse = z.looseObject({
  type: z.literal("tool_use"),
  id: z.string(),
  name: z.string(),
  input: z.looseObject({}),
});
const ToolResult = z.looseObject({
  type: z.literal("tool_result"),
  tool_use_id: z.string(),
  is_error: z.boolean().optional(),
  content: Content.optional(),
});

export interface AskedBody {
  readonly json: z.output<typeof Body>;
  readonly model: string;
  readonly stream: boolean;
  readonly maxTokens: number;
  /** Of the input, about four bytes each. */
  readonly tokens: number;
  readonly cacheTtl: "none" | "5m" | "1h";
}

export async function readBody(incoming: IncomingMessage): Promise<AskedBody> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  const json = Body.parse(text === "" ? {} : JSON.parse(text));
  return {
    json,
    model: json.model,
    stream: json.stream,
    maxTokens: json.max_tokens ?? 0,
    tokens: Math.ceil(Buffer.byteLength(text) / 4),
    cacheTtl: text.includes('"ttl":"1h"') ? "1h" : text.includes('"cache_control"') ? "5m" : "none",
  };
}

/** A rule that the request breaks, or undefined. */
export function objection(incoming: IncomingMessage, body: AskedBody): string | undefined {
  if (incoming.headers["anthropic-version"] === undefined) return "anthropic-version: header is required";
  if (incoming.url?.startsWith("/v1/messages/count_tokens") === true) return undefined;
  if (body.maxTokens < 1) return "max_tokens: must be at least 1";
  const budget = body.json.thinking?.budget_tokens;
  if (budget !== undefined && budget < 1024) return "thinking.budget_tokens: must be at least 1024";
  if (budget !== undefined && budget >= body.maxTokens) return "max_tokens must be greater than thinking.budget_tokens";
  return undefined;
}

/** The request as a script sees it. */
export function readAsked(body: AskedBody): Asked {
  const blocks = body.json.messages.flatMap((message) =>
    typeof message.content === "string" ? [{ type: "text", text: message.content }] : message.content,
  );
  const uses = blocks.flatMap((block) => ToolUse.safeParse(block).data ?? []);
  const results = blocks.flatMap((block) => ToolResult.safeParse(block).data ?? []);
  const runs = results.flatMap((result): ToolRun[] => {
    const use = uses.find((each) => each.id === result.tool_use_id);
    if (use === undefined) return [];
    return [{ name: use.name, input: use.input, failed: result.is_error === true, text: textOf(result.content) }];
  });
  return {
    model: body.model,
    tools: body.json.tools.map((tool) => tool.name),
    text: [textOf(body.json.system), textOf(blocks)].join("\n"),
    runs,
  };
}

function textOf(content: z.output<typeof Content> | undefined): string {
  if (content === undefined) return "";
  if (typeof content === "string") return content;
  return content.map((block) => (typeof block["text"] === "string" ? block["text"] : "")).join("\n");
}
