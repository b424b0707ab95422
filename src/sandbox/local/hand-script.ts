/**
 * The first command of a local sandbox that is worked by hand: it connects to the socket of its owner, runs what it is told, and
 * answers with what came of it. With the connection it ends, and the sandbox with it.
 */
import { mostOutput } from "../../core/ports/by-hand.ts";

/** Between the end of a command and the end of its outputs, which what it left behind may hold open. */
const lingerMs = 2000;

/** As CommonJS in the sandbox. Lines of JSON go both ways. */
export const handScript = `
const { spawn } = require("node:child_process");
const { connect } = require("node:net");
const { PARHELIA_HAND: door, PARHELIA_WORKSPACE: workspace, ...base } = process.env;
const socket = connect(door.replace(/^unix:/, ""));
socket.on("error", () => process.exit(1));
socket.on("close", () => process.exit(0));

const gather = (stream) => {
  const kept = { text: "", isCut: false };
  stream.setEncoding("utf8");
  stream.on("data", (text) => {
    const room = ${mostOutput} - kept.text.length;
    kept.text += text.slice(0, room);
    kept.isCut ||= text.length > room;
  });
  return kept;
};

const run = ({ id, command: [program, ...args], env, workdir, timeoutMs }) => {
  const answer = (ran) => socket.write(JSON.stringify({ id, ...ran }) + "\\n");
  const child = spawn(program, args, {
    cwd: workdir ?? workspace,
    env: { ...base, ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const [out, err] = [gather(child.stdout), gather(child.stderr)];
  const kill = () => { try { process.kill(-child.pid, "SIGKILL"); } catch {} };
  let isLate = false;
  let linger;
  const late = setTimeout(() => { isLate = true; kill(); }, timeoutMs);
  child.on("exit", () => { linger = setTimeout(() => { child.stdout.destroy(); child.stderr.destroy(); }, ${lingerMs}); });
  child.on("error", (error) => {
    clearTimeout(late);
    answer({ exitCode: 127, stdout: "", stderr: "The command could not be started: " + error.message + "\\n", isCut: false });
  });
  child.on("close", (code, signal) => {
    if (child.pid === undefined) return;
    clearTimeout(late);
    clearTimeout(linger);
    const exitCode = isLate ? null : code ?? 128 + (require("node:os").constants.signals[signal] ?? 0);
    answer({ exitCode, stdout: out.text, stderr: err.text, isCut: out.isCut || err.isCut });
  });
};

let rest = "";
socket.setEncoding("utf8");
socket.on("data", (text) => {
  const lines = (rest + text).split("\\n");
  rest = lines.pop();
  for (const line of lines) run(JSON.parse(line));
});
`;
