/** A long answer on standard output, no faster than its reader takes it. */
import { once } from "node:events";

export async function print(pieces: AsyncIterable<string>): Promise<void> {
  for await (const piece of pieces) if (!process.stdout.write(piece)) await once(process.stdout, "drain");
}
