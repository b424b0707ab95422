/** A stage on which hostile tasks run beside honest ones, and what hostile code tries to reach from inside. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Instant } from "../../src/core/instant.ts";
import type { Store } from "../../src/core/ports/store.ts";
import { isEnded, type Task } from "../../src/core/task.ts";
import { listTasks } from "../../src/records/list-tasks.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { livingProcesses } from "../e2e/leftovers.ts";
import { openStage, type Stage, type StageOptions } from "../e2e/service.ts";
import { eventually } from "../world/eventually.ts";

type Finish = (close: () => Promise<void>) => void;

export interface Crowd extends Stage {
  /** Asks on an issue of its own; the issue's number. */
  ask(body: string): Promise<number>;
  /** The task of that issue, once it has ended. */
  endedOn(issue: number, withinMs: number): Promise<Task>;
  /** The files of the pull request that the issue's task made; none where it made none. */
  made(issue: number): Promise<Readonly<Record<string, { readonly mode: string; readonly text: string }>>>;
  /** The longest that the service took to say that it is well since the last call, in milliseconds. Rejects where it did not. */
  slowestHealthMs(): number;
  /** The most memory that the service has had, in MiB. */
  peakMemoryMiB(): number;
}

export async function openCrowd(onTestFinished: Finish, options: StageOptions): Promise<Crowd> {
  const stage = await openStage(onTestFinished, options);
  const store = openLooker(onTestFinished, join(stage.root, ".parhelia", "orchestrator.db"));
  const now = (): Instant => Instant.parse(Date.now());
  const person = stage.github.as("dana");
  const taskOn = async (issue: number): Promise<Task | undefined> =>
    (await listTasks(store(), now(), { which: "all", limit: 100 })).find(
      ({ origin: { place } }) => place.kind === "issue" && place.number === issue,
    );
  const watch = watchHealth(onTestFinished, stage);
  return {
    ...stage,
    async ask(body) {
      const issue = person.openIssue("acme/widgets", "Something", "Some words.");
      person.comment("acme/widgets", issue, body);
      await stage.github.deliveries.deliverAll();
      return issue;
    },
    endedOn: (issue, withinMs) =>
      eventually(
        async () => {
          await pause(50);
          const task = await taskOn(issue);
          return task !== undefined && isEnded(task) ? task : undefined;
        },
        { withinMs },
      ),
    async made(issue) {
      const task = await taskOn(issue);
      const sha = task !== undefined && "published" in task ? task.published?.sha : undefined;
      return sha === undefined ? {} : stage.github.files("acme/widgets", sha);
    },
    slowestHealthMs: watch,
    peakMemoryMiB() {
      const [service = ""] = livingProcesses(stage.root).filter((line) => line.includes("cli.ts serve"));
      const status = readFileSync(`/proc/${service.split(" ")[0]}/status`, "utf8");
      return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
    },
  };
}

/** The service makes the file, so that it is opened at the first look. */
function openLooker(onTestFinished: Finish, path: string): () => Store {
  let opened: Store | undefined;
  onTestFinished(async () => opened?.close());
  return () => (opened ??= openSqliteStore({ path, pollMs: 0 }));
}

/** Asks for the service's health again and again from now on. */
function watchHealth(onTestFinished: Finish, { github }: Stage): () => number {
  let slowestMs = 0;
  let failure: unknown;
  const over = new AbortController();
  const watching = (async () => {
    while (!over.signal.aborted) {
      await pause(200);
      // It has not been started yet, or it has been stopped.
      if (typeof github.target !== "string" || over.signal.aborted) continue;
      const startMs = performance.now();
      const { status } = await fetch(new URL("/healthz", github.target));
      if (status !== 200) throw new Error(`the service's health is ${status}`);
      slowestMs = Math.max(slowestMs, performance.now() - startMs);
    }
  })().catch((cause: unknown) => {
    failure = cause;
  });
  onTestFinished(async () => {
    over.abort();
    await watching;
  });
  return () => {
    if (failure !== undefined) throw new Error("The service did not answer.", { cause: failure });
    return slowestMs;
  };
}

export interface Bait {
  /** Of a listener on the machine's loopback interface. */
  readonly port: number;
  /** A file of the machine that any of its users may write. */
  readonly file: string;
  /** What was touched, in words; empty where hostile code stayed inside. */
  touched(): string[];
}

/** Things outside that hostile code is told of: whatever reaches one has left its sandbox. */
export async function openBait(onTestFinished: Finish, root: string): Promise<Bait> {
  let calls = 0;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    calls += 1;
    sockets.add(socket.on("error", () => undefined));
    socket.end("HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nreached");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    await new Promise((resolve) => server.close(resolve));
  });
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("the listener has no port");
  const file = join(root, "bait");
  writeFileSync(file, "untouched", { mode: 0o666 });
  return {
    port: address.port,
    file,
    touched: () => [
      ...(calls > 0 ? [`${calls} connections to the machine`] : []),
      ...(existsSync(file) && readFileSync(file, "utf8") === "untouched" ? [] : ["a file of the machine"]),
    ],
  };
}
