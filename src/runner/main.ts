/**
 * Entry of the program inside the sandbox, and the only reader of its environment. One file with two uses: it runs the
 * attempt, and git calls it again as its credential helper (`node runner.mjs credential <bridge> get`).
 */
import { runAttempt } from "./attempt.ts";
import { answerCredential } from "./credential.ts";
import { connect } from "./gateway.ts";
import { realTiming } from "./timing.ts";

const { argv, env, execPath } = process;

function required(name: string): string {
  const value = env[name] ?? "";
  if (value === "") throw new Error(`${name} is not set.`);
  return value;
}

async function attempt(): Promise<number> {
  const token = required("PARHELIA_TOKEN");
  delete env["PARHELIA_TOKEN"];
  const over = new AbortController();
  process.once("SIGTERM", () => over.abort());
  const uid = Number(env["PARHELIA_AGENT_USER"]);
  return runAttempt({
    reach: { gateway: connect(required("PARHELIA_GATEWAY"), token), timing: realTiming, over },
    env,
    node: execPath,
    runner: required("PARHELIA_RUNNER"),
    workspace: required("PARHELIA_WORKSPACE"),
    proxy: env["PARHELIA_PROXY"],
    claude: env["PARHELIA_AGENT_CLAUDE"] ?? "claude",
    user: uid > 0 ? { uid, gid: uid } : {},
  });
}

// Explicit, because a connection that hostile code holds open would keep the process alive.
process.exit(argv[2] === "credential" ? await answerCredential(argv[4], argv[3], process) : await attempt());
