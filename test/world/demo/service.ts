/** The service as its operator starts it: a process of its own, told everything through its environment. */
import { spawn } from "node:child_process";
import { join } from "node:path";

export interface ServiceProcess {
  /** Of its HTTP side. */
  readonly url: string;
  /** Its log lines of level warning and above, oldest first. */
  complaints(): readonly string[];
  /** Sends SIGTERM and resolves with the exit status; kills it where it does not end by itself. */
  stop(): Promise<number | null>;
}

const entry = join(import.meta.dirname, "../../../src/cli.ts");
const startMs = 15_000;
/** It drains for eight seconds at most. */
const stopMs = 12_000;
const warning = 40;
const kept = 200;

/** `root` is where its `.parhelia` folder is. Rejects with its last words where it does not come up. */
export async function startServiceProcess(
  root: string,
  env: Readonly<Record<string, string>>,
): Promise<ServiceProcess> {
  const child = spawn(process.execPath, [entry, "serve"], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
  const exited = new Promise<number | null>((resolve) => child.once("close", resolve));
  const lines: string[] = [];
  const { promise: listening, resolve: isListening } = Promise.withResolvers<number>();
  const read = (line: string): void => {
    lines.push(line);
    if (lines.length > kept) lines.shift();
    const said = entryOf(line);
    if (said["msg"] === "listening" && typeof said["port"] === "number") isListening(said["port"]);
  };
  onLines(child.stdout, read);
  onLines(child.stderr, read);
  const stop = async (): Promise<number | null> => {
    const timer = setTimeout(() => child.kill("SIGKILL"), stopMs);
    child.kill("SIGTERM");
    const status = await exited;
    clearTimeout(timer);
    return status;
  };
  const late = Promise.withResolvers<undefined>();
  const timer = setTimeout(late.resolve, startMs, undefined);
  const port = await Promise.race([listening, exited.then(() => undefined), late.promise]);
  clearTimeout(timer);
  if (port === undefined) {
    await stop();
    throw new Error(`The service did not start. Its last words:\n${lines.slice(-20).join("\n")}`);
  }
  return {
    url: `http://127.0.0.1:${port}`,
    complaints: () => lines.filter((line) => (Number(entryOf(line)["level"]) || warning) >= warning),
    stop,
  };
}

function onLines(stream: NodeJS.ReadableStream, read: (line: string) => void): void {
  let rest = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk: string) => {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    for (const line of parts) read(line);
  });
}

/** What is no JSON is the word of a crash. */
function entryOf(line: string): Record<string, unknown> {
  if (!line.startsWith("{")) return {};
  try {
    return Object.fromEntries(Object.entries(Object(JSON.parse(line))));
  } catch {
    return {};
  }
}
