/** Sandboxes are ended by another process than their service, while that lives and when it is dead. */
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { localFromOutside } from "../../src/sandbox/local/end-from-outside.ts";
import { needs } from "../world/needs.ts";
import { startService } from "./machine.ts";
import { name, openPost } from "./post.ts";

vi.setConfig({ testTimeout: 60_000 });

const isolations = [...(needs("bwrap") ? ["bubblewrap" as const] : []), "none" as const];

test.each(isolations)("with the service alive and dead (%s)", async (isolation) => {
  const here = await openPost(isolation);
  const script = "echo up | say; exec sleep 1000";
  const specs = [here.spec(1, script), here.spec(2, script)];
  const { said, kill } = await startService({ post: here.socket, options: here.options, specs });
  const outside = localFromOutside(join(here.root, "state"), process.pid);
  expect(await outside.list()).toEqual(said.list);
  await outside.end(name(1));
  expect((await outside.list()).map((each) => each.name)).toEqual([name(2)]);
  await kill();
  expect((await outside.list()).map((each) => each.name)).toEqual([name(2)]);
  await outside.end(name(2));
  expect(await outside.list()).toEqual([]);
  const sandboxes = await here.open();
  expect(await sandboxes.list()).toEqual([]);
});

test("a place that was never used has none", async () => {
  const outside = localFromOutside("/nonexistent/parhelia", process.pid);
  expect(await outside.list()).toEqual([]);
});
