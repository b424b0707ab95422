/** Which GPUs are really in the sandbox, as its driver tells: what was asked for is not always what came. */
import { execFile } from "node:child_process";

const question = ["--query-gpu=name,memory.total", "--format=csv,noheader"];
/** A driver that hangs must not hold back the first word until the sandbox is taken for dead. */
const patienceMs = 10_000;
const mostCards = 16;

/** One line a card, `NVIDIA L4, 23034 MiB`; where there is none, `because` says what was answered instead. Never rejects. */
export const readCards = (env: NodeJS.ProcessEnv): Promise<{ cards: string[]; because: string }> =>
  new Promise((resolve) => {
    const options = { env, timeout: patienceMs, killSignal: "SIGKILL", maxBuffer: 64 * 1024 } as const;
    execFile("nvidia-smi", question, options, (error, stdout) => {
      const lines = stdout.split("\n").filter((line) => line.includes(","));
      const cards = error ? [] : lines.slice(0, mostCards).map((line) => line.slice(0, 200));
      resolve({ cards, because: stdout.trim() || error?.message || "silence" });
    });
  });
