/** The work of a request: commands done by Redis, counted, and answered as Upstash does. */
import type { Answer } from "./answers.ts";
import type { Meter } from "./bill.ts";
import { Gone, Refused, type Command, type Connection, type Reply } from "./connection.ts";
import { error, result } from "./encode.ts";
import type { Applied } from "./faults.ts";
import type { Asked } from "./request.ts";
import { refusal } from "./supported.ts";

export interface Database {
  readonly path: string;
  /** Undefined while Redis is away. */
  connection(): Connection | undefined;
}

export interface Worker {
  readonly database: Database;
  readonly meter: Meter;
}

/** So much of it as `applied` says; a stream has no work. Throws `Gone` where Redis is away. */
export async function perform(worker: Worker, asked: Asked, applied: Applied): Promise<Answer> {
  if (applied === "none") return { status: 200, body: "" };
  const connection = worker.database.connection();
  if (connection === undefined) throw new Gone("Redis is away");
  const call = async (command: Command): Promise<Reply> => {
    const why = refusal(command);
    if (why !== undefined) throw new Refused(why);
    worker.meter.command(command[0]);
    return connection.call(command);
  };
  switch (asked.kind) {
    case "stream":
      return { status: 200, body: "" };
    case "command": {
      const [command] = asked.commands;
      const reply = command === undefined ? null : await call(command).catch(refused);
      return { status: reply instanceof Error ? 400 : 200, body: result(reply, asked) };
    }
    case "pipeline": {
      const bodies: string[] = [];
      // One after the other, so that others come between, as they do there.
      for (const command of asked.commands.slice(0, applied === "all" ? undefined : applied))
        bodies.push(result(await call(command).catch(refused), asked));
      return { status: 200, body: `[${bodies.join(",")}]` };
    }
    case "transaction": {
      const why = asked.commands.map(refusal).find((each) => each !== undefined);
      if (why !== undefined) return { status: 400, body: error(why) };
      for (const [name] of asked.commands) worker.meter.command(name);
      const replies = await connection.transaction(asked.commands).catch(refused);
      if (replies instanceof Error) return { status: 400, body: error(replies.message) };
      return { status: 200, body: `[${replies.map((reply) => result(reply, asked)).join(",")}]` };
    }
  }
}

/** Redis' own no is an answer like any other. */
function refused(failure: unknown): Refused {
  if (failure instanceof Refused) return failure;
  throw failure;
}
