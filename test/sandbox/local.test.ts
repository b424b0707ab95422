/** What a jail keeps in, and that it needs no service to do so. */
import { once } from "node:events";
import { chmodSync, closeSync, openSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { eventually } from "../world/eventually.ts";
import { needs } from "../world/needs.ts";
import { cmdlines, highDescriptor, pids, readProc, startService } from "./machine.ts";
import { name, openPost, type Post } from "./post.ts";

const isRoot = process.getuid?.() === 0;
const stay = "exec sleep 1000";

const post = () => openPost("bubblewrap");

/** Runs a script in a jail and gives what it printed. */
async function inside(here: Post, script: string): Promise<string> {
  const sandboxes = await here.open();
  await sandboxes.create(here.spec(1, `{ ${script}\n} 2>&1 | say`));
  return here.heard();
}

/** Starts processes that bear the mark of a sandbox of another name. */
function forge(owner: string): string {
  const argv = JSON.stringify(["-c", "sleep 1000; true", "parhelia-sandbox", owner, name(2), "1", "2"]);
  const programs = '["/bin/sh","/usr/bin/timeout","/usr/bin/bwrap"]';
  return `node -e 'for (const argv0 of ${programs}) require("child_process").spawn("/bin/sh",${argv},{argv0,detached:true})'`;
}

/** The programs that the living forged processes claim to be. */
const forged = () =>
  new Set(
    cmdlines()
      .map((argv) => argv.split("\0"))
      .flatMap(([program, ...args]) => (args.slice(0, 2).join(" ") === "-c sleep 1000; true" ? [program] : [])),
  );

describe.skipIf(!needs("bwrap"))("a jail", { timeout: 60_000 }, () => {
  test("shows nothing of the machine's files", async () => {
    const here = await post();
    writeFileSync(join(here.root, "secret"), "hush");
    chmodSync(here.root, 0o755);
    const seen = await inside(here, `ls /; ls /home /root /run; cat ${here.root}/secret; ls ${here.root} /etc /var`);
    const lines = seen.split("\n");
    expect(lines.filter((line) => /^(root|work|srv|opt|mnt|boot|sys|var)$/.test(line))).toEqual([]);
    expect(seen).not.toContain("hush");
    expect(seen).toMatch(/home:\nagent\n/);
    expect(seen).toMatch(/run:\nparhelia\nparhelia-node\n/);
    expect(seen).not.toMatch(/shadow|gitconfig|state/);
  });

  test("shows no process and no environment but its own", async () => {
    const here = await post();
    process.env["PARHELIA_TEST_SECRET"] = "hush";
    onTestFinished(() => void delete process.env["PARHELIA_TEST_SECRET"]);
    const seen = await inside(
      here,
      `env; cat /proc/[0-9]*/environ; cat /proc/[0-9]*/cmdline; echo; ls /proc | grep -c '^[0-9]'; ls -l /proc/$$/fd | grep -v /dev/null`,
    );
    expect(seen).not.toMatch(/hush|vitest/);
    expect(Number(/^(\d+)$/m.exec(seen)?.[1])).toBeLessThan(12);
    expect(seen).not.toContain(here.root);
  });

  test("passes on no descriptor that the service inherited", async () => {
    const here = await post();
    writeFileSync(join(here.root, "secret"), "hush");
    const inherits = openSync(join(here.root, "secret"), "r");
    onTestFinished(() => closeSync(inherits));
    const order = {
      post: here.socket,
      options: here.options,
      specs: [here.spec(1, `{ ls -l /proc/self/fd; cat /proc/self/fd/${highDescriptor}; } 2>&1 | say`)],
    };
    await startService(order, { inherits });
    const seen = await here.heard();
    expect(seen).toContain("/proc/");
    expect(seen).not.toMatch(/hush|secret/);
  });

  test("has no network beside the sockets", async () => {
    const here = await post();
    const server = createServer((socket) => socket.end("reached"));
    const abstract = createServer((socket) => socket.end("reached"));
    onTestFinished(() => void (server.close(), abstract.close()));
    await once(server.listen(0, "127.0.0.1"), "listening");
    await once(abstract.listen("\0parhelia-test"), "listening");
    const address = server.address();
    const port = address instanceof Object ? address.port : 0;
    const connect = (to: string) =>
      `node -e 'require("net").connect(${to}).on("data",d=>console.log(String(d))).on("error",e=>console.log(e.code))'`;
    const seen = await inside(
      here,
      `${connect(`${port},"127.0.0.1"`)}; ${connect('"\\0parhelia-test"')}; ${connect('53,"1.1.1.1"')}; cut -d: -f1 -s /proc/net/dev | tail -n +1; touch /run/parhelia/x`,
    );
    expect(seen).toMatch(/^ECONNREFUSED\nECONNREFUSED\nENETUNREACH\n/);
    expect(seen.match(/^ *\w+$/gm)?.map((line) => line.trim())).toContain("lo");
    expect(seen).not.toMatch(/eth|wlan|reached/);
    expect(seen).toMatch(/Read-only file system/);
  });

  test("has no rights, and cannot make namespaces to get some", async () => {
    const seen = await inside(
      await post(),
      "id -u; grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status; unshare -U true; mount -t tmpfs x /tmp",
    );
    expect(seen).toMatch(/^1000\nCapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1\nunshare: .*\nmount: /);
  });

  test.runIf(isRoot)("runs as a user of its slot, which no other slot shares", async () => {
    const here = await post();
    const sandboxes = await here.open();
    for (const n of [1, 2]) await sandboxes.create(here.spec(n, "echo | say; exec sleep 1002"));
    for (const _ of [1, 2]) await here.heard();
    await eventually(() => cmdlines().filter((argv) => argv === "sleep\x001002\0").length === 2, { withinMs: 20_000 });
    const users = pids()
      .filter((pid) => readProc(pid, "cmdline") === "sleep\x001002\0")
      .map((pid) => Number(/^Uid:\t(\d+)/m.exec(readProc(pid, "status"))?.[1]));
    expect(users).toHaveLength(2);
    expect(new Set(users).size).toBe(2);
    expect(Math.min(...users)).toBeGreaterThanOrEqual(200_000);
  });

  test("keeps its environment out of the machine's process list", async () => {
    const here = await post();
    const sandboxes = await here.open();
    await sandboxes.create(here.spec(1, `echo "$TOKEN" | say; ${stay}`, { env: { TOKEN: "very-secret-token" } }));
    expect(await here.heard()).toBe("very-secret-token\n");
    const lists = cmdlines();
    expect(lists.some((argv) => argv.includes(name(1)))).toBe(true);
    expect(lists.filter((argv) => argv.includes("very-secret-token"))).toEqual([]);
  });

  test("can write only to filesystems with a size", async () => {
    const fill = (path: string) => `head -c 100M /dev/zero >${path}/full; stat -c %s ${path}/full; rm ${path}/full;`;
    const seen = await inside(
      await post(),
      `for d in / /dev /etc /run /usr /run/parhelia; do touch $d/x && echo "$d is writable"; done
       ${fill("/workspace")} ${fill("/home/agent")} ${fill("/tmp")} ${fill("/dev/shm")}
       grep -E ' (rw|rw,.*) ' /proc/mounts`,
    );
    expect(seen).not.toContain("is writable");
    expect(seen.match(/^\d+$/gm)?.map((size) => Number(size) / 2 ** 20)).toEqual([16, 16, 16, 64]);
    const writable = seen
      .split("\n")
      .filter((line) => /^\S+ \/\S* \S+ rw/.test(line))
      .map((line) => line.split(" "));
    const kinds = new Set(writable.map(([, path, type]) => `${path} ${type}`));
    for (const kind of kinds)
      expect(kind).toMatch(
        /^(\/(workspace|home\/agent|tmp|dev\/shm) tmpfs|\/proc.* proc|\/dev\/pts devpts|\/dev\/\w+ \w+)$/,
      );
  });

  test("holds a fork bomb to its number of processes", async () => {
    const here = await post();
    const sandboxes = await here.open();
    await sandboxes.create(here.spec(1, `for i in $(seq 500); do (sleep 1001 &) ; done; ${stay}`));
    const slept = () => cmdlines().filter((argv) => argv === "sleep\x001001\0").length;
    await eventually(() => slept() > 30, { withinMs: 20_000 });
    await sandboxes.list();
    expect(slept()).toBeLessThanOrEqual(64);
    await sandboxes.end(name(1));
    expect(slept()).toBe(0);
  });

  test("holds a hungry process to its memory, where the machine can", async ({ skip }) => {
    const here = await post();
    const sandboxes = await here.open();
    if (sandboxes.shortcomings.some((sentence) => sentence.includes("memory"))) skip("no memory controller here");
    await sandboxes.create(here.spec(1, `node -e 'const a=[];for(;;)a.push(Buffer.alloc(1<<24,1))'; echo $? | say`));
    expect(await here.heard()).toBe("137\n");
  });

  test("outlives the service, and is found and ended by the next one", async () => {
    const here = await post();
    const spec = here.spec(1, `while [ ! -e /run/parhelia/go ]; do sleep 0.02; done; echo alive | say; ${stay}`);
    const { said, kill } = await startService({ post: here.socket, options: here.options, specs: [spec] });
    expect(said.list).toEqual([{ name: name(1), startedAt: 2_000_000 }]);
    await kill();
    const sandboxes = await here.open();
    for (const slot of readdirSync(here.options.socketDirectory)) {
      writeFileSync(join(here.options.socketDirectory, slot, "go"), "");
    }
    // By the door of the next service, which is none of those that it was started with.
    expect(await here.heard()).toBe("alive\n");
    expect(await sandboxes.list()).toEqual(said.list);
    expect(await sandboxes.create(spec)).toEqual(said.list[0]);
    await sandboxes.end(name(1));
    expect(await sandboxes.list()).toEqual([]);
  });

  test("keeps its lifetime without the service, whatever it does inside", async () => {
    const here = await post();
    const hostile = `trap '' TERM HUP INT; kill -STOP -1; kill -9 1; kill -STOP 1; echo here | say; while :; do sleep 1000; done`;
    const { kill } = await startService({
      post: here.socket,
      options: here.options,
      specs: [here.spec(1, hostile, { lifetimeMs: 2500 })],
    });
    expect(await here.heard()).toBe("here\n");
    await kill();
    const sandboxes = await here.open();
    expect(await sandboxes.list()).toHaveLength(1);
    expect(await eventually(async () => (await sandboxes.list()).length === 0, { withinMs: 20_000 })).toBe(true);
  });

  test("cannot pass for another sandbox", async () => {
    const here = await post();
    const sandboxes = await here.open();
    await sandboxes.create(here.spec(1, `${forge(here.options.stateDirectory)} & wait`));
    await eventually(() => forged().size === 3, { withinMs: 20_000 });
    expect((await sandboxes.list()).map((sandbox) => sandbox.name)).toEqual([name(1)]);
    await sandboxes.end(name(2));
    expect(forged().size).toBe(3);
  });

  test.runIf(isRoot)("works for a service that is a plain user, and says what is missing", async () => {
    const here = await post();
    for (const path of [here.root, here.options.socketDirectory]) chmodSync(path, 0o777);
    const options = { ...here.options, stateDirectory: join(here.root, "plain") };
    const wrap = ["/usr/bin/setpriv", "--reuid", "65533", "--regid", "65533", "--clear-groups"];
    const specs = [
      here.spec(1, `id -u | say; ${forge(options.stateDirectory)} & wait`),
      here.spec(3, `for i in $(seq 200); do (sleep 1003 &); done; ${stay}`),
    ];
    const { said } = await startService({ post: here.socket, options, specs }, { wrap });
    expect(said.list).toHaveLength(2);
    expect(said.shortcomings.join("\n")).toMatch(/more memory.*\n.*more CPU.*\n.*own user/);
    expect(await here.heard()).toBe("1000\n");
    const bomb = () => cmdlines().filter((argv) => argv === "sleep\x001003\0").length;
    await eventually(() => forged().size === 3 && bomb() > 30, { withinMs: 20_000 });
    const next = await startService({ post: here.socket, options, specs: [] }, { wrap });
    expect(next.said.list).toEqual(said.list);
    expect(bomb()).toBeLessThanOrEqual(64);
  });

  test("says at the start what hinders it, and the cure", async () => {
    const here = await post();
    chmodSync(here.root, 0o777);
    const order = {
      post: here.socket,
      options: { ...here.options, stateDirectory: join(here.root, "none"), socketDirectory: join(here.root, "none2") },
      specs: [],
    };
    const noNamespaces = ["bwrap", "--unshare-user", "--disable-userns", "--dev-bind", "/", "/", "--"];
    const { said } = await startService(order, { wrap: noNamespaces });
    expect(said.error).toMatch(
      /cannot run a sandbox.*apt-get install bubblewrap.*user\.max_user_namespaces.*isolation = "none"/s,
    );
  });
});
