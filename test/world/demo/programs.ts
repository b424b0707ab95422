/** What this machine offers the demonstration. */
import { spawnSync } from "node:child_process";
import { createServer } from "node:net";

export const tries = (program: string, args: readonly string[], path: string): boolean =>
  spawnSync(program, args, { stdio: "ignore", env: { PATH: path } }).status === 0;

/** A port that nobody listens on now. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
