/** A sandbox on this machine for whoever runs commands in it from code. It lives no longer than the process that made it. */
import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import type { SandboxName } from "../../core/ids.ts";
import type { ByHand, Ran } from "../../core/ports/by-hand.ts";
import type { Clock } from "../../core/ports/clock.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { Refusal } from "../../core/refusal.ts";
import type { Door, Doorway } from "./doors.ts";
import { handScript } from "./hand-script.ts";
import { openLocalSandboxes } from "./open-local-sandboxes.ts";

export interface LocalHandSpec {
  readonly name: SandboxName;
  readonly isolation: "bubblewrap" | "none";
  readonly resources: Resources;
  readonly lifetimeMs: number;
  readonly env: Readonly<Record<string, string>>;
  readonly clock: Clock;
}

const Answer = z.object({
  id: z.int(),
  exitCode: z.int().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  isCut: z.boolean(),
});

/** A socket's path has at most 107 bytes, and below this one are three more names. */
const longestTemporary = 60;

/** Throws a `Refusal` where this machine cannot run a sandbox, or not one with these resources. */
export async function openLocalHand(spec: LocalHandSpec): Promise<ByHand> {
  const place = mkdtempSync(join(tmpdir().length > longestTemporary ? "/tmp" : tmpdir(), "parhelia-code-"));
  const remove = (): void => rmSync(place, { recursive: true, force: true });
  try {
    const sandboxes = await openLocalSandboxes({
      isolation: spec.isolation,
      socketDirectory: join(place, "door"),
      stateDirectory: join(place, "state"),
      node: process.execPath,
      readOnly: [],
      slots: 1,
      clock: spec.clock,
      limits: {},
    });
    // Here alone: in front of the sandbox, nobody else can get in.
    chmodSync(place, 0o711);
    sandboxes.accept(spec.resources);
    const line = openLine();
    const doors = await sandboxes.serve(line.open);
    const end = async (): Promise<void> => {
      await sandboxes.end(spec.name);
      // Also where nobody ever came.
      line.over("The sandbox has ended.");
      await doors.close();
      remove();
    };
    try {
      await sandboxes.create({
        name: spec.name,
        command: ["node", "-e", handScript],
        env: { ...spec.env, PARHELIA_HAND: sandboxes.gatewayAddress },
        resources: spec.resources,
        lifetimeMs: spec.lifetimeMs,
      });
    } catch (error) {
      await end();
      throw error;
    }
    return { run: (command, { timeoutMs, env, workdir }) => line.ask({ command, timeoutMs, env, workdir }), end };
  } catch (error) {
    remove();
    throw error;
  }
}

/** Asks the one program that connects first, which runs before anything else can in the sandbox. */
function openLine() {
  const waiting = new Map<number, PromiseWithResolvers<Ran>>();
  const connected = Promise.withResolvers<Socket>();
  // Nobody may ask before it ends.
  connected.promise.catch(() => undefined);
  let last = 0;
  let why: string | undefined;
  const over = (words: string): void => {
    why ??= words;
    connected.reject(new Refusal(why));
    for (const { reject } of waiting.values()) reject(new Refusal(why));
    waiting.clear();
  };
  const hear = (line: string): void => {
    const { id, ...ran } = Answer.parse(JSON.parse(line));
    waiting.get(id)?.resolve(ran);
    waiting.delete(id);
  };
  const take = (server: Server, socket: Socket): void => {
    server.close();
    connected.resolve(socket);
    readLines(socket, (line) => {
      try {
        hear(line);
      } catch (error) {
        over(`The sandbox said what is no answer: ${String(error).slice(0, 200)}`);
        socket.destroy();
      }
    });
    socket.on("error", () => over("The sandbox has ended."));
    socket.on("close", () => over("The sandbox has ended: its lifetime was over, or it was ended inside."));
  };
  return {
    over,
    open: async ({ directory }: Doorway): Promise<Door> => {
      const server = createServer((socket) => take(server, socket));
      const path = join(directory, "gateway.sock");
      await new Promise<void>((resolve, reject) => server.once("error", reject).listen(path, resolve));
      chmodSync(path, 0o666);
      return {
        async close() {
          server.close();
          (await connected.promise.catch(() => undefined))?.destroy();
        },
      };
    },
    async ask(asked: object): Promise<Ran> {
      const socket = await connected.promise;
      if (why !== undefined) throw new Refusal(why);
      const id = (last += 1);
      const answer = Promise.withResolvers<Ran>();
      waiting.set(id, answer);
      socket.write(`${JSON.stringify({ id, ...asked })}\n`);
      return answer.promise;
    },
  };
}

function readLines(socket: Socket, hear: (line: string) => void): void {
  let pieces: string[] = [];
  socket.setEncoding("utf8");
  socket.on("data", (text: string) => {
    const [first = "", ...others] = text.split("\n");
    pieces.push(first);
    for (const next of others) {
      hear(pieces.join(""));
      pieces = [next];
    }
  });
}
