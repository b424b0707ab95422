/** The stand-in where there is no bubblewrap: the same sandboxes, with their files below a directory of their own. */
import { expect, test } from "vitest";
import { openTrial } from "./trial.ts";

const { world, client, run, result } = await openTrial({ bwrap: undefined });

test("a sandbox runs, is joined, keeps what it writes to a volume, and ends with all its processes", async () => {
  const volume = await client.volumes.fromName("parhelia-data", { createIfMissing: true });
  const volumes = { "/vol/parhelia": volume };
  const root = '"$MODAL_STAND_IN_ROOT"';
  const script = `pwd; echo $HOME; claude --version; echo kept > ${root}/vol/parhelia/note; exec sleep 60`;
  const sandbox = await run(["sh", "-c", script], { workdir: "/workspace", volumes, name: "bare" });
  const exec = await sandbox.exec(["sh", "-c", `pwd; until cat ${root}/vol/parhelia/note; do sleep 0.02; done`], {
    workdir: "/tmp",
  });
  expect(await exec.stdout.readText()).toMatch(/\/root\/tmp\nkept\n$/);
  await sandbox.terminate({ wait: true });
  expect(await sandbox.stdout.readText()).toMatch(/\/root\/workspace\n.*\/root\/root\n2\.1\.330 \(Claude Code\)\n$/);
  expect(await result(sandbox)).toEqual([3, 137]);
  const next = await run(["sh", "-c", `cat ${root}/vol/parhelia/note`], { volumes });
  expect(await next.stdout.readText()).toBe("kept\n");
  expect(await world.living()).toEqual([]);
});

test("a sandbox can be late, or use too much memory", async () => {
  const late = await run(["sleep", "60"], { timeoutMs: 60_000 });
  await world.pass(60_000);
  expect(await result(late)).toEqual([4, 124]);
  const eats = "const all = []; setInterval(() => all.push(Buffer.alloc(2 ** 24, 1)), 5)";
  const big = await run(["node", "-e", eats], { memoryMiB: 64, memoryLimitMiB: 256 });
  expect(await result(big)).toEqual([2, 137]);
});
