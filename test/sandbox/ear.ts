/** A server that only listens: what each connection says, until it closes, is one thing heard. */
import { once } from "node:events";
import { createServer, type ListenOptions, type Socket } from "node:net";
import { eventually } from "../world/eventually.ts";

export async function openEar(where: ListenOptions) {
  const said: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((from) => {
    sockets.add(from);
    let text = "";
    from.setEncoding("utf8").on("data", (part) => (text += String(part)));
    from.on("error", () => undefined).on("close", () => said.push(text));
  });
  await once(server.listen(where), "listening");
  const address = server.address();
  return {
    /** Where it listens on one. */
    port: typeof address === "object" ? address?.port : undefined,
    /** The next thing said that was not heard yet. */
    heard: (withinMs = 20_000): Promise<string> => eventually(() => said.shift(), { withinMs }),
    async close(): Promise<void> {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
