/** Isolation "none": what is still promised without a jail. */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { eventually } from "../world/eventually.ts";
import { pids, readProc, startService } from "./machine.ts";
import { name, openPost, type Post } from "./post.ts";

vi.setConfig({ testTimeout: 60_000 });

const stay = "exec sleep 1000";

const bare = () => openPost("none");
const marked = (here: Post) =>
  pids().filter((pid) => readProc(pid, "environ").includes(`${here.root}/state/sandboxes/`));

test("it is said plainly that nothing is isolated", async () => {
  const sandboxes = await (await bare()).open();
  expect(sandboxes.shortcomings).toHaveLength(2);
  expect(sandboxes.shortcomings.join("\n")).toMatch(
    /Nothing isolates a task[^]*Nothing holds a task to its CPU, memory/,
  );
});

test("a sandbox outlives the service, and the next one ends it with all it started and wrote", async () => {
  const here = await bare();
  // One in a session of its own, and one in the group without the marker.
  const script = `setsid sleep 1000 & env -i sleep 1000 & echo up | say; ${stay}`;
  const { said, kill } = await startService({
    post: here.socket,
    options: here.options,
    specs: [here.spec(1, script)],
  });
  expect(await here.heard()).toBe("up\n");
  await kill();
  const sandboxes = await here.open();
  expect(await sandboxes.list()).toEqual(said.list);
  const group = sleepers(here);
  expect(group.length).toBeGreaterThanOrEqual(2);
  await sandboxes.end(name(1));
  expect(marked(here)).toEqual([]);
  expect(group.filter((pid) => readProc(pid, "cmdline").startsWith("sleep\0"))).toEqual([]);
  expect(readdirSync(join(here.root, "state/sandboxes"))).toEqual([]);
});

test("its lifetime ends it without the service, with what left its process group", async () => {
  const here = await bare();
  const spec = here.spec(1, `setsid sleep 1000 & echo up | say; ${stay}`, { lifetimeMs: 1000 });
  const { kill } = await startService({ post: here.socket, options: here.options, specs: [spec] });
  await here.heard();
  await kill();
  const sandboxes = join(here.root, "state/sandboxes");
  await eventually(() => marked(here).length + readdirSync(sandboxes).length === 0, { withinMs: 20_000 });
  expect(marked(here)).toEqual([]);
});

test("a sandbox that killed its watchdog is still listed and ended", async () => {
  const here = await bare();
  const sandboxes = await here.open();
  // The watchdog is the parent of `timeout`, which is the parent of the command.
  await sandboxes.create(here.spec(1, `kill -9 $(cut -d' ' -f4 /proc/$PPID/stat); echo killed | say; ${stay}`));
  await here.heard();
  expect(await sandboxes.list()).toEqual([{ name: name(1), startedAt: 1_000_000 }]);
  await sandboxes.end(name(1));
  expect(await sandboxes.list()).toEqual([]);
  expect(marked(here)).toEqual([]);
});

/** Processes of the sandbox's groups, marked or not. */
function sleepers(here: Post): string[] {
  const groups = new Set(marked(here).map((pid) => readProc(pid, "stat").split(" ")[4]));
  return pids().filter((pid) => groups.has(readProc(pid, "stat").split(" ")[4]));
}
