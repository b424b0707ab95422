/**
 * A stand-in for the model's API on a local port, good enough for the real agent: it streams answers as the Messages
 * API does, keeps the rules that a gateway could break, counts tokens, and bills.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { microUsd, plus, type MicroUsd } from "../../src/core/money.ts";
import { billed, usageAtEnd, usageAtStart, type Usage } from "./model-bill.ts";
import { readAsked, readBody, objection, type AskedBody } from "./model-request.ts";
import type { Answer, Block, Script } from "./model-script.ts";

export interface ModelCallSeen {
  readonly path: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: AskedBody;
  readonly at: number;
  readonly usage: Usage | undefined;
  readonly cost: MicroUsd;
}

export interface ModelWorld {
  readonly url: string;
  readonly calls: readonly ModelCallSeen[];
  /** The API keys that are good. */
  readonly keys: Set<string>;
  /** What all calls so far cost together. */
  bill(): MicroUsd;
  close(): Promise<void>;
}

export interface ModelOptions {
  readonly script: Script;
  readonly apiKey: string;
  readonly now?: () => number;
}

export async function openModel(options: ModelOptions): Promise<ModelWorld> {
  const calls: ModelCallSeen[] = [];
  const keys = new Set([options.apiKey]);
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : undefined));
  });

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const path = (incoming.url ?? "").split("?")[0] ?? "";
    const body = await readBody(incoming);
    const reply = decide(options.script, { path, incoming, body, keys });
    const usage = reply.do === "say" ? used(body, reply.blocks, calls) : undefined;
    const cost = usage === undefined ? microUsd(0) : billed(body.model, usage);
    calls.push({ path, headers: incoming.headers, body, at: options.now?.() ?? 0, usage, cost });
    if (reply.do === "refuse") sendError(outgoing, reply);
    if (reply.do === "count") sendJson(outgoing, 200, { input_tokens: body.tokens });
    if (reply.do === "say" && usage !== undefined) {
      send(outgoing, body, { id: `msg_${calls.length}`, blocks: reply.blocks, usage });
    }
  }

  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  return {
    url: `http://127.0.0.1:${portOf(server.address())}`,
    calls,
    keys,
    bill: () => plus(...calls.map((call) => call.cost)),
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
}

function decide(
  script: Script,
  asked: {
    readonly path: string;
    readonly incoming: IncomingMessage;
    readonly body: AskedBody;
    readonly keys: ReadonlySet<string>;
  },
): Answer | { readonly do: "count" } {
  if (!asked.keys.has(String(asked.incoming.headers["x-api-key"]))) {
    return { do: "refuse", status: 401, type: "authentication_error", message: "invalid x-api-key" };
  }
  const wrong = objection(asked.incoming, asked.body);
  if (wrong !== undefined) return { do: "refuse", status: 400, type: "invalid_request_error", message: wrong };
  if (asked.path === "/v1/messages/count_tokens") return { do: "count" };
  if (asked.path === "/v1/messages") return script(readAsked(asked.body));
  return { do: "refuse", status: 404, type: "not_found_error", message: `no ${asked.path} here` };
}

/** What earlier calls wrote to the cache is read again, and what is new is written. */
function used(body: AskedBody, blocks: readonly Block[], before: readonly ModelCallSeen[]): Usage {
  const cached = Math.max(0, ...before.map(({ usage }) => (usage ? usage.read + usage.write5m + usage.write1h : 0)));
  const read = Math.min(cached, body.tokens);
  const fresh = body.tokens - read;
  return {
    // A few tokens stand after the last cache mark.
    input: 3 + (body.cacheTtl === "none" ? fresh : 0),
    output: Math.min(body.maxTokens, Math.ceil(JSON.stringify(blocks).length / 4)),
    read,
    write5m: body.cacheTtl === "5m" ? fresh : 0,
    write1h: body.cacheTtl === "1h" ? fresh : 0,
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === "string") throw new Error("The stand-in for the model has no port");
  return address.port;
}

function sendJson(outgoing: ServerResponse, status: number, value: object): void {
  outgoing.writeHead(status, { "content-type": "application/json", "request-id": "req_stand_in" });
  outgoing.end(JSON.stringify(value));
}

const sendError = (outgoing: ServerResponse, no: Answer & { do: "refuse" }): void =>
  sendJson(outgoing, no.status, { type: "error", error: { type: no.type, message: no.message } });

interface Said {
  readonly id: string;
  readonly blocks: readonly Block[];
  readonly usage: Usage;
}

function send(outgoing: ServerResponse, body: AskedBody, said: Said): void {
  const blocks = said.blocks.map((block, at) =>
    block.type === "text" ? block : { ...block, id: `toolu_${said.id}_${at}` },
  );
  const stop = blocks.some((block) => block.type === "tool_use") ? "tool_use" : "end_turn";
  const message = { id: said.id, type: "message", role: "assistant", model: body.model, stop_sequence: null };
  if (!body.stream) {
    const usage = { ...usageAtStart(said.usage), ...usageAtEnd(said.usage) };
    return sendJson(outgoing, 200, { ...message, content: blocks, stop_reason: stop, usage });
  }
  const event = (value: { type: string } & Record<string, unknown>): void => {
    outgoing.write(`event: ${value.type}\ndata: ${JSON.stringify(value)}\n\n`);
  };
  outgoing.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "request-id": "req_stand_in" });
  const start = { ...message, content: [], stop_reason: null, usage: usageAtStart(said.usage) };
  event({ type: "message_start", message: start });
  event({ type: "ping" });
  blocks.forEach((block, index) => {
    const empty = block.type === "text" ? { ...block, text: "" } : { ...block, input: {} };
    event({ type: "content_block_start", index, content_block: empty });
    const delta =
      block.type === "text"
        ? { type: "text_delta", text: block.text }
        : { type: "input_json_delta", partial_json: JSON.stringify(block.input) };
    event({ type: "content_block_delta", index, delta });
    event({ type: "content_block_stop", index });
  });
  const delta = { stop_reason: stop, stop_sequence: null };
  event({ type: "message_delta", delta, usage: usageAtEnd(said.usage) });
  event({ type: "message_stop" });
  outgoing.end();
}
