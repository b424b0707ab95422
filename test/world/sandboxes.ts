/**
 * Sandboxes that a test moves by hand. They hold state as a backend does: what was made lives until it is ended or lost, or
 * until its lifetime is over, and is billed by the time that it was there. What a runner would say goes through the real
 * gateway, with the token that the sandbox was given.
 */
import type { Hono } from "hono";
import { Instant } from "../../src/core/instant.ts";
import { microUsd, usd, type MicroUsd } from "../../src/core/money.ts";
import { computePerHour } from "../../src/core/compute-prices.ts";
import type { SandboxName } from "../../src/core/ids.ts";
import { machineChoices } from "../../src/core/machine.ts";
import type { Clock } from "../../src/core/ports/clock.ts";
import type { Sandbox, Sandboxes, SandboxSpec } from "../../src/core/ports/sandboxes.ts";
import type { AttemptResult, EventAck, Job, ManifestEntry, RunnerEvent } from "../../src/core/protocol.ts";
import { Refusal } from "../../src/core/refusal.ts";

/** A file's new text, or null for a deleted one. */
export type ChangedFiles = Readonly<Record<string, string | null>>;

export interface Ending {
  readonly exitCode?: number;
  readonly files?: ChangedFiles;
  readonly ended?: AttemptResult["ended"];
  readonly tail?: string;
  readonly agent?: Partial<NonNullable<AttemptResult["agent"]>>;
}

type Told = {
  readonly [T in RunnerEvent["type"]]: Omit<Extract<RunnerEvent, { type: T }>, "n" | "at">;
}[RunnerEvent["type"]];

/** The runner of one living sandbox. */
export interface Inside {
  readonly name: string;
  readonly spec: SandboxSpec;
  job(): Promise<Job>;
  /** Says this, or only that it has started. The number up to which the service has heard. */
  says(...told: Told[]): Promise<number>;
  /** Hands over a result, as an agent's unless the job is a command, and ends by itself. */
  ends(ending?: Ending): Promise<void>;
  inbox(after?: number): Promise<unknown>;
  call(path: string, init?: RequestInit): Promise<Response>;
}

/** What the backend would write on its bill. */
export interface Billed {
  readonly name: string;
  /** How long it was there until now. */
  readonly ms: number;
  readonly lifetimeMs: number;
  readonly lives: boolean;
}

export interface SandboxStandIn extends Sandboxes {
  /** The service's door. Rejects where the service dies before it has answered. */
  gateway: Hono | undefined;
  readonly made: readonly string[];
  living(): string[];
  /** Of every sandbox that was ever made, in order. */
  bill(): Billed[];
  /** The newest living one, or the one of this task. */
  inside(task?: string): Inside;
  /** It is gone without a word, as when a machine dies. */
  lose(name?: string): void;
  /** What it says that each used; it has no such meter unless told. */
  meter: ((name: string) => MicroUsd) | undefined;
  /** What it takes for an hour, whatever is asked for. */
  price: MicroUsd;
  /**
   * Cards that it has, by their names with their counts; none unless told. "taken": there is no machine with one until it
   * is given "free".
   */
  cards(name: string, are: "free" | "taken"): void;
  /** Images on bases of repositories' own: none, as of a local backend, unless it is told. */
  images: "none" | "building" | "built";
  /** Names of what waits for a machine. */
  waiting(): string[];
  /** Throws this for so many calls. */
  fail(call: "create" | "list" | "find" | "end", times: number): void;
}

const nothing = { cpu: 0, memoryMiB: 0 };

/** `passed` is the backend's own time, in milliseconds, which no setting of the service's clock moves back. */
export function openSandboxes(clock: Clock, passed: () => number = clock.now): SandboxStandIn {
  const all: Kept[] = [];
  const isAlive = ({ endedAt, endsAt }: Kept): boolean => endedAt === undefined && passed() < endsAt;
  const living = (): string[] => all.filter(isAlive).map(({ sandbox }) => sandbox.name);
  const find = (name: string | undefined): Kept | undefined =>
    all.find((each) => each.sandbox.name === name && isAlive(each));
  const end = (name: string): boolean => {
    const found = find(name);
    if (found !== undefined) found.endedAt = passed();
    return found !== undefined;
  };
  const cards = new Map<string, "free" | "taken">();
  const queue = new Map<SandboxName, { readonly spec: SandboxSpec; readonly since: Instant }>();
  /** All that its card is free for, as a backend starts what waits whether or not anyone asks. */
  const startQueued = (): void => {
    for (const [name, { spec }] of queue) if (cards.get(spec.resources.gpu ?? "") !== "taken") start(name, spec);
  };
  const start = (name: SandboxName, spec: SandboxSpec): Sandbox => {
    queue.delete(name);
    const { gpu } = spec.resources;
    const sandbox = { name, startedAt: Instant.parse(clock.now()), ...(gpu === undefined ? {} : { gpu }) };
    const bornAt = passed();
    all.push({ sandbox, spec, said: 0, bornAt, endsAt: bornAt + spec.lifetimeMs, endedAt: undefined });
    return sandbox;
  };
  const failing = new Map<string, number>();
  const trip = (call: string): void => {
    const left = failing.get(call) ?? 0;
    failing.set(call, left - 1);
    if (left > 0) throw new Error(`the backend refused to ${call}`);
  };
  const standIn: SandboxStandIn = {
    get backend() {
      return standIn.images === "none" ? "local" : "modal";
    },
    images: "none",
    gatewayAddress: "http://gateway.test",
    proxyAddress: undefined,
    shortcomings: [],
    gateway: undefined,
    meter: undefined,
    get made() {
      return all.map(({ sandbox }) => sandbox.name);
    },
    accept(resources) {
      if (machineChoices(resources).some(({ gpu }) => gpu !== undefined && !cards.has(gpu)))
        throw new Refusal("The local backend has no GPU: ask without one.");
    },
    price: usd(0.36),
    pricePerHour: (resources) =>
      microUsd(
        Math.max(
          ...machineChoices(resources).map(
            ({ gpu }) => standIn.price + computePerHour({ ...nothing, gpu }) - computePerHour(nothing),
          ),
        ),
      ),
    cards(name, are) {
      cards.set(name, are);
      startQueued();
    },
    waiting: () => [...queue.keys()],
    async create(spec) {
      trip("create");
      const there = find(spec.name);
      if (there !== undefined) return there.sandbox;
      if (spec.image !== undefined && standIn.images === "building") return "building";
      if (cards.get(spec.resources.gpu ?? "") !== "taken") return start(spec.name, spec);
      if (!queue.has(spec.name)) queue.set(spec.name, { spec, since: Instant.parse(clock.now()) });
      return "waiting";
    },
    async find(name) {
      trip("find");
      return find(name)?.sandbox;
    },
    async metered(name) {
      return standIn.meter?.(name);
    },
    async list() {
      trip("list");
      const queued = [...queue].map(([name, { since }]) => ({ name, startedAt: since }));
      return [...all.filter(isAlive).map(({ sandbox }) => sandbox), ...queued];
    },
    async end(name) {
      trip("end");
      queue.delete(name);
      end(name);
    },
    living,
    bill: () =>
      all.map((each) => ({
        name: each.sandbox.name,
        ms: Math.min(each.endedAt ?? passed(), each.endsAt) - each.bornAt,
        lifetimeMs: each.spec.lifetimeMs,
        lives: isAlive(each),
      })),
    inside(task) {
      const name = living().findLast((each) => task === undefined || each.includes(task));
      const found = find(name);
      if (found === undefined) throw new Error("No such sandbox lives.");
      return insideOf(standIn, found, clock, () => end(found.sandbox.name));
    },
    lose(name = standIn.living().at(-1)) {
      if (name === undefined || !end(name)) throw new Error("No such sandbox lives.");
    },
    fail: (call, times) => void failing.set(call, times),
  };
  return standIn;
}

interface Kept {
  readonly sandbox: Sandbox;
  readonly spec: SandboxSpec;
  said: number;
  readonly bornAt: number;
  readonly endsAt: number;
  endedAt: number | undefined;
}

function insideOf(
  world: Pick<SandboxStandIn, "gateway">,
  living: { readonly spec: SandboxSpec; said: number },
  clock: Clock,
  gone: () => void,
): Inside {
  const { spec } = living;
  const call = async (path: string, init: RequestInit = {}): Promise<Response> => {
    if (world.gateway === undefined) throw new Error("There is no gateway yet.");
    const headers = new Headers({ "content-type": "application/json" });
    headers.set("authorization", `Bearer ${spec.env["PARHELIA_TOKEN"] ?? ""}`);
    for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
    return world.gateway.request(path, { ...init, headers });
  };
  const send = async (method: string, path: string, body: unknown): Promise<Response> => {
    const response = await call(path, { method, body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`);
    return response;
  };
  const job = async (): Promise<Job> => (await call("/gateway/job")).json() as Promise<Job>;
  return {
    name: spec.name,
    spec,
    job,
    call,
    async says(...told) {
      const all = told.length === 0 ? [{ type: "runner_started", level: "info", message: "the runner started" }] : told;
      const events = all.map((each, index) => ({ ...each, n: living.said + index + 1, at: clock.now() }));
      const ack = (await (await send("POST", "/gateway/events", { events })).json()) as EventAck;
      living.said = ack.last;
      return ack.last;
    },
    async ends(ending = {}) {
      const entries = Object.entries(ending.files ?? {}).map(toEntry);
      if (entries.length > 0) await send("PUT", "/gateway/result/1", entries);
      const { work } = await job();
      await send("POST", "/gateway/result", resultOf(ending, entries.length, work.kind));
      gone();
    },
    inbox: async (after = 0) => (await call(`/gateway/inbox?after=${after}`)).json(),
  };
}

function toEntry([name, text]: [string, string | null]): ManifestEntry {
  const path = Buffer.from(name).toString("base64");
  if (text === null) return { do: "delete", path };
  const content = Buffer.from(text);
  return { do: "put", path, mode: "100644", bytes: content.length, content: content.toString("base64") };
}

function resultOf(ending: Ending, changedFiles: number, kind: Job["work"]["kind"]): AttemptResult {
  const agent = { isError: false, subtype: "success", apiErrorStatus: null, text: "It is done.", turns: 3 };
  return {
    ended: ending.ended ?? "exited",
    exitCode: ending.exitCode ?? 0,
    signal: null,
    agent: kind === "agent" && ending.ended !== "could-not-start" ? { ...agent, ...ending.agent } : null,
    because: "",
    tail: ending.tail ?? "",
    parts: changedFiles > 0 ? 1 : 0,
    changedFiles,
    left: [],
  };
}
