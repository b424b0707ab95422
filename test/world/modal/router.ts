/** The command router of a sandbox: commands beside the first one, and what all of them write and read. */
import type { CallContext } from "nice-grpc";
import type { Account } from "./account.ts";
import { openOutput, type Output } from "./output.ts";
import { families, send } from "./processes.ts";
import { invalid, notFound, unmet } from "./refuse.ts";
import { isAlive, type Exec, type Sandbox } from "./sandbox.ts";
import { secretOf } from "./secrets.ts";
import { collect, exitCodeOf } from "./start.ts";
import type { Asked } from "./wire.ts";

/** The client does not export what it says to a router, so this is written down as far as it is read here. */
interface OfTask {
  readonly taskId: string;
}
interface OfExec extends OfTask {
  readonly execId: string;
}
interface Reading {
  readonly offset: number;
  /** 0 is stdout, 1 is stderr. */
  readonly fileDescriptor: number;
}
interface Writing {
  readonly offset: number;
  readonly data: Uint8Array;
  readonly eof: boolean;
}
interface Starting extends OfExec {
  readonly commandArgs: readonly string[];
  readonly timeoutSecs?: number;
  readonly workdir?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly secretSources: NonNullable<Asked<"sandboxCreateV2">["secretSources"]>;
}

function sandboxOfTask(account: Account, taskId: string): Sandbox {
  const found = [...account.sandboxes.values()].find((one) => one.taskId === taskId);
  if (found === undefined) throw notFound(`Task ${taskId} not found`);
  return found;
}

function execOf(account: Account, { taskId, execId }: OfExec): Exec {
  const found = sandboxOfTask(account, taskId).execs.get(execId);
  if (found === undefined) throw notFound(`Exec ${execId} not found`);
  return found;
}

function envOf(account: Account, { env, secretSources }: Starting): Record<string, string> {
  const all = secretSources.map(({ secretId, env: given }) =>
    secretId === undefined ? given?.contents : secretOf(account, secretId).values,
  );
  return Object.assign({}, ...all, env) as Record<string, string>;
}

/** modal.md §5: "ExecStart is idempotent by `execId`". */
async function start(account: Account, asked: Starting): Promise<object> {
  const sandbox = sandboxOfTask(account, asked.taskId);
  if (sandbox.execs.has(asked.execId)) return {};
  if (asked.commandArgs.length === 0) throw invalid("A command is missing.");
  const env = envOf(account, asked);
  const started = await sandbox.up.promise;
  if (started === undefined || !isAlive(sandbox)) throw unmet(`Task ${asked.taskId} has already finished`);
  if (sandbox.execs.has(asked.execId)) return {};
  const child = started.run(asked.commandArgs, { workdir: asked.workdir, env });
  const all = (): number => Number.POSITIVE_INFINITY;
  const [out, err] = [openOutput(all, account.clock.now), openOutput(all, account.clock.now)];
  collect(child, out, err);
  const { promise: exited, resolve } = Promise.withResolvers<number>();
  const exec: Exec = { child, out, err, exited, exitCode: undefined, stdinWritten: 0 };
  sandbox.execs.set(asked.execId, exec);
  const kill = (): void => {
    for (const pid of families([child.pid ?? 0])) send(pid, "SIGKILL");
  };
  const late = asked.timeoutSecs ? setTimeout(kill, asked.timeoutSecs * 1000) : undefined;
  child.on("error", () => exec.err.write(Buffer.from("The command could not be started\n")));
  child.on("close", (code, signal) => {
    clearTimeout(late);
    exec.exitCode = exitCodeOf(code, signal);
    sandbox.activeAt = account.clock.now();
    out.end();
    err.end();
    resolve(exec.exitCode);
  });
  return {};
}

/** What was written before is written once. */
function write(
  target: Pick<Exec, "stdinWritten">,
  stdin: Exec["child"]["stdin"],
  { offset, data, eof }: Writing,
): void {
  const fresh = data.subarray(Math.max(0, target.stdinWritten - offset));
  if (fresh.length > 0) stdin?.write(fresh);
  target.stdinWritten += fresh.length;
  if (eof) stdin?.end();
}

const pick = ({ out, err }: { out: Output; err: Output }, { fileDescriptor }: Reading): Output =>
  fileDescriptor === 1 ? err : out;

export const routerCalls = (account: Account) => ({
  taskExecStart: (asked: Starting) => start(account, asked),
  async *taskExecStdioRead(asked: OfExec & Reading, { signal }: CallContext) {
    for await (const { data } of pick(execOf(account, asked), asked).read(asked.offset, signal)) yield { data };
  },
  async taskExecWait(asked: OfExec) {
    return { code: await execOf(account, asked).exited };
  },
  async taskExecPoll(asked: OfExec) {
    return { code: execOf(account, asked).exitCode };
  },
  async taskExecStdinWrite(asked: OfExec & Writing) {
    const exec = execOf(account, asked);
    write(exec, exec.child.stdin, asked);
    return {};
  },
  async taskExecStdinStatus(asked: OfExec) {
    const exec = execOf(account, asked);
    return { numBytesWritten: exec.stdinWritten, closed: exec.child.stdin?.writableEnded ?? true };
  },
  async *sandboxStdioReadV2(asked: OfTask & Reading, { signal }: CallContext) {
    yield* pick(sandboxOfTask(account, asked.taskId), asked).read(asked.offset, signal);
  },
  async sandboxStdinWriteV2(asked: OfTask & Writing) {
    const sandbox = sandboxOfTask(account, asked.taskId);
    const started = await sandbox.up.promise;
    sandbox.activeAt = account.clock.now();
    write(sandbox, started?.main.stdin ?? null, asked);
    return {};
  },
  async taskReloadVolumes({ taskId }: OfTask) {
    for (const { view } of sandboxOfTask(account, taskId).views) view.reload();
    return {};
  },
});
