/**
 * What the runner in a sandbox and the gateway say to each other: types and constants only, so that the bundle
 * stays small. The gateway checks everything with `protocol-schema.ts`; whatever comes from a sandbox is untrusted.
 *
 * All calls bear `Authorization: Bearer <attempt token>` and live below `/gateway`:
 *   GET  /gateway/runner/<sha256>     the runner's bundle (the one call without a token)
 *   GET  /gateway/job                 → Job
 *   POST /gateway/events              EventPush → EventAck
 *   GET  /gateway/inbox?after=<n>     long poll → Inbox
 *   PUT  /gateway/result/<n>          ManifestEntry[] (part n of the result, from 1; may be repeated)
 *   POST /gateway/result              AttemptResult (seals the parts; may be repeated)
 *   GET  /gateway/repository-token    → RepositoryToken
 *   GET|POST /gateway/git/…           upload-pack of the task's repository, where the sandbox has no other way to it
 *   POST /v1/messages, …              the model, below the address itself as the agent expects it
 */

export const protocolVersion = 1;

/** Bounds that both sides keep. */
export const bounds = {
  /** One event, as JSON. A longer text is cut by the runner, which says by how many bytes. */
  eventBytes: 64 * 1024,
  /** Events of one push. */
  eventsPerPush: 200,
  /** One line of an agent's or command's output; what is above is cut and counted. */
  lineBytes: 1024 * 1024,
  /** One part of a result, as JSON. */
  partBytes: 2 * 1024 * 1024,
  /** The contents of one changed file. */
  fileBytes: 25 * 1024 * 1024,
  /** The contents of all changed files. */
  resultBytes: 50 * 1024 * 1024,
  changedFiles: 3000,
  /** End of the output that a result carries. */
  tailBytes: 8 * 1024,
} as const;

export const heartbeatEveryMs = 30_000;
export const inboxWaitMs = 25_000;

export type Job = {
  version: typeof protocolVersion;
  attempt: string;
  work:
    | {
        kind: "agent";
        agent: "claude-code";
        /** Model name, or null for the agent's own default. */
        model: string | null;
        /** Complete, with what came from GitHub fenced and labelled. */
        prompt: string;
        /** Whether what lies in the checkout may configure the agent. */
        repositorySettings: boolean;
      }
    | { kind: "command"; argv: string[] };
  source: {
    /** Clone address, or null: fetch through the gateway. */
    url: string | null;
    /** What to fetch: the commit itself; `ref` is the fallback that contains it (`refs/pull/12/head`). */
    sha: string;
    ref: string;
  };
  /** The GPU that was asked for, or several of which any will do (`H100,A100`), or null: without one the work does not begin. */
  gpu: string | null;
  /** Time for the work itself, measured by the runner from its start. */
  timeoutMs: number;
};

export type RunnerEvent = {
  /** From 1, without gaps, for each attempt. */
  n: number;
  /** Milliseconds since 1970 by the sandbox's clock; untrusted. */
  at: number;
  level: "debug" | "info" | "warning" | "error";
  message: string;
} &
  /** Before every other event: the GPUs in the sandbox, a line each as its driver names them (`NVIDIA L4, 23034 MiB`). */
  (
    | { type: "cards"; cards: string[] }
    | { type: "runner_started" }
    | { type: "heartbeat" }
    | { type: "phase"; phase: "fetch" | "checkout" | "work" | "collect" | "push" }
    | { type: "output"; stream: "stdout" | "stderr" }
    | { type: "output_cut"; bytes: number }
    | { type: "agent_text" }
    | { type: "agent_tool"; tool: string }
    | { type: "agent_plan"; steps: { text: string; state: "todo" | "now" | "done" }[] }
    | { type: "agent_claim"; claimedMicroUsd: number; turns: number }
    | { type: "runner_warning" }
  );

export type EventPush = { events: RunnerEvent[] };
/** `last` is the highest number kept; the runner goes on from there and drops what is below. */
export type EventAck = { last: number };

export type InboxMessage = { n: number; kind: "cancel"; because: string };
export type Inbox = { messages: InboxMessage[] };

export type RepositoryToken = { username: string; password: string };

export type FileMode = "100644" | "100755" | "120000" | "160000";

/** Paths and contents are base64 of bytes: names need not be text. For 120000 the content is the target, for 160000 the commit id. */
export type ManifestEntry =
  | { do: "put"; path: string; mode: FileMode; bytes: number; content: string }
  /** The next piece of the file whose `put` or `more` came before it. */
  | { do: "more"; content: string }
  | { do: "delete"; path: string };

export type AttemptResult = {
  /** What ended the work, as the runner saw it. Evidence beside it; never one of them alone. */
  ended: "exited" | "cancelled" | "timed-out" | "could-not-start";
  exitCode: number | null;
  signal: string | null;
  /** The agent's closing line, where it gave one. */
  agent: null | {
    isError: boolean;
    subtype: string;
    /** HTTP status of the model's refusal, 402 for the budget. */
    apiErrorStatus: number | null;
    text: string;
    turns: number;
  };
  /** Why: for `could-not-start`, and where work came to its end but its changes could not be handed over; else "". */
  because: string;
  /** End of the combined output, valid UTF-8. */
  tail: string;
  /** Parts pushed before this, and what they hold. `left` names what could not be carried, one sentence each. */
  parts: number;
  changedFiles: number;
  left: string[];
};
