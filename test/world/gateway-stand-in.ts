/**
 * A gateway in the test's own process that speaks the runner's protocol and holds state: the job, the events, the parts,
 * the result, the inbox. Everything that arrives is checked with the real schemas; a test ends by looking at `violations`.
 */
import { spawn } from "node:child_process";
import * as http from "node:http";
import { tmpdir } from "node:os";
import { mkdtempSync, rmSync } from "node:fs";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { AttemptResultShape, EventPushShape, ManifestPartShape } from "../../src/core/protocol-schema.ts";
import { protocolVersion } from "../../src/core/protocol.ts";
import type { AttemptResult, InboxMessage, Job, ManifestEntry, RunnerEvent } from "../../src/core/protocol.ts";

export type Asked = { method: string; path: string; headers: http.IncomingHttpHeaders; body: Buffer };

/** Instead of an answer: a status, or a cut connection; `after` lets the work be done and loses the answer only. */
export type Fault = { status: number; body?: string } | { cut: "before" | "after" };

export type GatewayOptions = {
  job: Job;
  /** Served below `/gateway/git/`. */
  repository?: string;
  runner?: { code: Buffer; sha256: string };
  /** Answers `/v1/…`. */
  model?: (asked: Asked, response: http.ServerResponse) => void;
};

export type GatewayStandIn = Awaited<ReturnType<typeof openGatewayStandIn>>;

export const attemptToken = "attempt-token-5f1c";
export const repositoryPassword = "ghs_1_repository-token";

/** Git's own server program, spoken to over HTTP. Resolves when the answer is sent. */
export async function answerGit(repository: string, asked: Asked, rest: string, response: http.ServerResponse) {
  const advertises = rest.startsWith("/info/refs");
  const args = ["upload-pack", "--stateless-rpc", ...(advertises ? ["--advertise-refs"] : []), repository];
  const version = asked.headers["git-protocol"];
  const child = spawn("git", args, {
    env: { ...process.env, ...(typeof version === "string" ? { GIT_PROTOCOL: version } : {}) },
    stdio: ["pipe", "pipe", "inherit"],
  });
  // It reads nothing before it advertises, so its input may be closed already.
  child.stdin.on("error", () => undefined);
  child.stdin.end(asked.body);
  const kind = advertises ? "advertisement" : "result";
  response.writeHead(200, { "content-type": `application/x-git-upload-pack-${kind}` });
  if (advertises) response.write("001e# service=git-upload-pack\n0000");
  response.end(await buffer(child.stdout));
}

export async function readRequest(request: http.IncomingMessage): Promise<Asked> {
  const { method = "", url = "", headers } = request;
  return { method, path: url, headers, body: await buffer(request) };
}

/** What changed, put together from the parts: a path (bytes, one to a character) and its mode and content, or null. */
function changesOf(parts: ManifestEntry[][]): Map<string, { mode: string; content: Buffer } | null> {
  const changes = new Map<string, { mode: string; content: Buffer } | null>();
  let open: { mode: string; content: Buffer } | undefined;
  for (const entry of parts.flat()) {
    const content = entry.do === "delete" ? Buffer.alloc(0) : Buffer.from(entry.content, "base64");
    if (entry.do === "more") {
      if (open === undefined) throw new Error("a piece without its file");
      open.content = Buffer.concat([open.content, content]);
      continue;
    }
    open = entry.do === "put" ? { mode: entry.mode, content } : undefined;
    changes.set(Buffer.from(entry.path, "base64").toString("latin1"), open ?? null);
  }
  return changes;
}

function openState() {
  const events: RunnerEvent[] = [];
  const parts = new Map<number, ManifestEntry[]>();
  const messages: InboxMessage[] = [];
  const violations: string[] = [];
  const sealed = Promise.withResolvers<AttemptResult>();
  let watchers: { match: (event: RunnerEvent) => boolean; resolve: (event: RunnerEvent) => void }[] = [];
  let listeners: (() => void)[] = [];

  const keep = (event: RunnerEvent): void => {
    if (event.n <= events.length) return;
    if (event.n > events.length + 1) violations.push(`event ${event.n} after ${events.length}`);
    events.push(event);
    watchers = watchers.filter(({ match, resolve }) => !match(event) || resolve(event));
  };

  return {
    events,
    parts,
    messages,
    violations,
    sealed,
    keep,
    /** Resolves with the first event that matches, also one that came before. */
    seen: (match: (event: RunnerEvent) => boolean): Promise<RunnerEvent> =>
      new Promise((resolve) => {
        const before = events.find(match);
        if (before === undefined) watchers.push({ match, resolve });
        else resolve(before);
      }),
    tell(message: InboxMessage): void {
      messages.push(message);
      for (const listener of listeners.splice(0)) listener();
    },
    /** Long poll: until there is something, or the connection goes. */
    arrival: (response: http.ServerResponse): Promise<void> =>
      new Promise((resolve) => {
        listeners.push(resolve);
        response.on("close", () => {
          listeners = listeners.filter((listener) => listener !== resolve);
          resolve();
        });
      }),
  };
}

type State = ReturnType<typeof openState>;

/** `undefined` where the response was written already. */
async function answer(
  state: State,
  { job, repository, runner, model }: GatewayOptions,
  asked: Asked,
  response: http.ServerResponse,
): Promise<unknown> {
  const { pathname, searchParams } = new URL(asked.path, "http://gateway");
  const json = (): unknown => JSON.parse(asked.body.toString());
  if (pathname === `/gateway/runner/${runner?.sha256}`) return response.end(runner?.code);
  if (pathname.startsWith("/v1/") && model !== undefined) return model(asked, response);
  if (pathname === "/") return response.end();
  if (pathname.startsWith("/gateway/git/") && repository !== undefined)
    return answerGit(repository, asked, pathname.slice("/gateway/git".length), response);
  switch (`${asked.method} ${pathname.replace(/\d+$/, "")}`) {
    case "GET /gateway/job":
      return job;
    case "POST /gateway/events":
      for (const event of EventPushShape.parse(json()).events) state.keep(event);
      return { last: state.events.length };
    case "GET /gateway/inbox": {
      const after = Number(searchParams.get("after"));
      if (!state.messages.some(({ n }) => n > after)) await state.arrival(response);
      return { messages: state.messages.filter(({ n }) => n > after) };
    }
    case "PUT /gateway/result/":
      state.parts.set(Number(pathname.split("/").at(-1)), ManifestPartShape.parse(json()));
      return {};
    case "POST /gateway/result":
      state.sealed.resolve(AttemptResultShape.parse(json()));
      return {};
    case "GET /gateway/repository-token":
      return { username: "x-access-token", password: repositoryPassword };
    default:
      throw new Error(`unknown request: ${asked.method} ${asked.path}`);
  }
}

/** Listens on a unix socket. `fault` may be set at any time and is asked for each request. */
export async function openGatewayStandIn(options: GatewayOptions) {
  const state = openState();
  const directory = mkdtempSync(join(tmpdir(), "gateway-"));
  const socket = join(directory, "s");
  const requests: Asked[] = [];
  const control: { fault: (asked: Asked) => Fault | undefined } = { fault: () => undefined };

  const handle = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    const asked = await readRequest(request);
    requests.push(asked);
    const fault = control.fault(asked);
    if (fault !== undefined && "status" in fault) {
      response.writeHead(fault.status).end(fault.body);
      return;
    }
    if (fault?.cut === "before") return void request.socket.destroy();
    const isOpen = asked.path.startsWith("/gateway/runner/");
    if (!isOpen && asked.headers.authorization !== `Bearer ${attemptToken}`) {
      response.writeHead(401).end();
      return;
    }
    const body = await answer(state, options, asked, response);
    if (fault?.cut === "after") return void request.socket.destroy();
    if (!response.headersSent && !response.writableEnded && body !== response && body !== undefined)
      response.end(JSON.stringify(body));
  };
  const server = http.createServer((request, response) => {
    handle(request, response).catch((cause: unknown) => {
      if (request.destroyed && !request.complete) return;
      state.violations.push(String(cause));
      if (!response.headersSent) response.writeHead(400);
      response.end(String(cause));
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));

  return {
    address: `unix:${socket}`,
    requests,
    control,
    events: state.events,
    parts: state.parts,
    violations: state.violations,
    seen: state.seen,
    result: state.sealed.promise,
    cancel: (): void => state.tell({ n: state.messages.length + 1, kind: "cancel", because: "dana asked for it" }),
    changes: () => changesOf([...state.parts].sort(([a], [b]) => a - b).map(([, part]) => part)),
    close(): void {
      server.close();
      server.closeAllConnections();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

let jobs = 0;

/**
 * A runner ends every process that bears the mark of its attempt, whoever started it: on a machine where several tests run
 * at once, no two may have the same.
 */
function ownAttempt(): string {
  jobs += 1;
  const place = (number: number, digits: number): string => number.toString(36).padStart(digits, "0");
  return `t_${place(process.pid, 5)}${place(jobs, 3)}-1`;
}

/** A job with nothing special about it. */
export const jobOf = (over: Partial<Job> & Pick<Job, "work" | "source">): Job => ({
  version: protocolVersion,
  attempt: ownAttempt(),
  gpu: null,
  timeoutMs: 60_000,
  ...over,
});
