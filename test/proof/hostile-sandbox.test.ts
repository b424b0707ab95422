/** Tasks that attack from inside a real jail, beside an honest one: they end, the neighbour succeeds, the service stays well. */
import { expect, test } from "vitest";
import type { Task } from "../../src/core/task.ts";
import { needs } from "../world/needs.ts";
import { openBait, openCrowd, type Bait } from "./hostile.ts";

const ready = needs("git") && needs("bwrap");
/** The service's own start takes about 120 MiB of it; a file of 25 MB, the largest, is held several times while it is sent on. */
const memoryAtMostMiB = 512;
const healthAtMostMs = 3000;

interface Attack {
  /** Run by `sh` in the workspace, its output in the pull request as `seen` where it writes one. */
  readonly script: string;
  readonly state: Task["state"];
  /** What `seen` has to match. */
  readonly seen?: RegExp;
  readonly options?: string;
}

/** What would have worked is written as ESCAPED; nothing that is seen may hold it. */
const attacksOn = ({ port, file }: Bait): Readonly<Record<string, Attack>> => ({
  "fork bomb": { script: "bomb() { bomb | bomb & }; bomb; sleep 3; exit 0", state: "succeeded" },
  "all disks full": {
    script: `for d in /tmp /home/agent /dev/shm; do head -c 2G /dev/zero >$d/full 2>/dev/null; done
head -c 300M /dev/zero >big; i=0; while [ $i -lt 20000 ]; do : >$i.empty || break; i=$((i+1)); done; echo x >seen; exit 0`,
    // No room is left for the list of what changed, and half a change is none.
    state: "failed",
  },
  "200 MB of output": {
    script: "yes 'a line of the flood that never wants to end, on and on' | head -c 200000000; echo done >seen",
    state: "succeeded",
    seen: /^done$/m,
  },
  "a line of 100 MB": { script: "head -c 100000000 /dev/zero; echo; echo done >seen", state: "succeeded" },
  "memory without end": {
    script: "node -e 'const a=[];for(;;)a.push(Buffer.alloc(1<<26,1))'; echo $? >seen",
    state: "succeeded",
    seen: /^(137|134)$/m,
  },
  "what will not die": {
    script: `cat >/tmp/i.sh <<'END'
trap '' TERM HUP INT QUIT
while :; do sleep 1; done
END
setsid sh /tmp/i.sh & (setsid sh -c 'sh /tmp/i.sh & sh /tmp/i.sh &' &)
env -i /usr/bin/setsid /bin/sh /tmp/i.sh & nohup sh /tmp/i.sh & echo x >seen; exit 0`,
    state: "succeeded",
  },
  "what will not end": {
    script: "trap '' TERM; while :; do sleep 1; done",
    state: "timed-out",
    options: "--timeout 3s",
  },
  "the machine's processes": {
    script: `{ cat /proc/1/environ /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'; ls /proc/1/root/ /proc/1/cwd
cat /proc/kcore /proc/1/mem /dev/mem /proc/sysrq-trigger | head -c 100
ls -d /proc/[0-9]* | wc -l; } >seen 2>&1; sed -i 's/pa_t_[^ ]*/its-own-token/' seen; echo done >>seen; exit 0`,
    state: "succeeded",
    seen: /done/,
  },
  "the machine's files": {
    script: `{ for p in ${file} /etc/shadow /root /proc/1/root${file} ../../../../..${file} /proc/self/cwd/../..${file}; do
  cat $p && echo ESCAPED; echo touched >$p && echo ESCAPED; done
for d in /usr /etc /run/parhelia /run/parhelia-node /sys/fs/cgroup /proc/sys/kernel; do
  touch $d/x && echo ESCAPED; rm -rf $d/* ; done
rm -f /run/parhelia/gateway.sock; ls /run/parhelia; mount -t tmpfs x /mnt; mknod disk b 8 0; unshare -Urm true && echo ESCAPED
ln /usr/bin/su su; chroot /proc/1/root; } >seen 2>&1; rm -f su disk; exit 0`,
    state: "succeeded",
    seen: /gateway\.sock/,
  },
  "the machine's network": {
    script: `{ for h in 127.0.0.1 localhost '[::1]' '[::ffff:127.0.0.1]' 0x7f.1 2130706433 169.254.169.254 '[64:ff9b::7f00:1]' github.localhost; do
  curl -s -m 3 --noproxy '*' http://$h:${port}/; curl -s -m 3 --noproxy x http://$h:${port}/; curl -s -m 3 --noproxy x -p http://$h:${port}/; done
node -e 'require("net").connect("\\0parhelia").on("connect",()=>console.log("ESCAPED")).on("error",e=>console.log(e.code))'
curl -s -m 3 --unix-socket /run/parhelia/proxy.sock http://127.0.0.1:${port}/
curl -s -m 3 --unix-socket /run/parhelia/proxy.sock -H 'Host: github.localhost' http://127.0.0.1:${port}/
echo done; } >seen 2>&1; exit 0`,
    state: "succeeded",
    seen: /private|not among the allowed|names the machine/,
  },
  "every connection it can get": {
    script: `cat >/tmp/crowd.cjs <<'END'
const net = require("node:net");
const words = { gateway: "POST /gateway/job HTTP/1.1\\r\\nHost: x\\r\\n", proxy: "GET http://" };
let cut = 0;
const hold = (door) => {
  const startMs = performance.now();
  const socket = net.connect("/run/parhelia/" + door + ".sock", () => socket.write(words[door]));
  socket.resume().on("error", () => {}).on("close", () => {
    if (performance.now() - startMs > 5000) cut += 1;
    setImmediate(hold, door);
  });
};
for (let n = 0; n < 600; n += 1) for (const door of ["gateway", "proxy"]) hold(door);
setTimeout(() => { console.log(cut + " cut off"); process.exit(); }, 20000);
END
node /tmp/crowd.cjs >seen; exit 0`,
    state: "succeeded",
    // Half a request holds a connection for some seconds only.
    seen: /^[1-9]\d* cut off$/m,
  },
  "killing the runner": { script: "sleep 1; kill -9 -1; kill -9 1; sleep 60", state: "failed" },
  "stopping the runner": {
    script:
      "for p in /proc/[0-9]*; do [ ${p#/proc/} = $$ ] || kill -STOP ${p#/proc/}; done; sleep 2; for p in /proc/[0-9]*; do kill -CONT ${p#/proc/}; done; exit 0",
    state: "succeeded",
  },
  "deleting what the runner needs": {
    script:
      "rm -rf /tmp/* /tmp/.[a-z]* $HOME/.[a-z]* .git; for f in /proc/[0-9]*/fd/*; do case $(readlink $f) in /tmp/*) : >$f;; esac; done; echo x >seen; exit 0",
    state: "succeeded",
    seen: /^x$/m,
  },
});

test.skipIf(!ready)(
  "attacks from inside end by themselves, and neighbour and service do not feel them",
  { timeout: 600_000 },
  async ({ onTestFinished }) => {
    const crowd = await openCrowd(onTestFinished, { script: () => ({ do: "hang" }) });
    const bait = await openBait(onTestFinished, crowd.root);
    const only = process.env["PARHELIA_ATTACK"] ?? "";
    const attacks = Object.entries(attacksOn(bait)).filter(([name]) => name.includes(only));
    const scripts = Object.fromEntries(attacks.map(([, { script }], n) => [`attack-${n}.sh`, script]));
    await crowd.github.repository("acme/widgets", {
      "sum.js": "1\n",
      "neighbour.sh": "sleep 2; echo 2 >sum.js\n",
      ...scripts,
    });
    await crowd.start();
    for (const [n, [name, attack]] of attacks.entries()) {
      const startMs = performance.now();
      const attacking = await crowd.ask(`/parhelia run ${attack.options ?? ""} -- sh attack-${n}.sh`);
      const neighbour = await crowd.ask("/parhelia run -- sh neighbour.sh");
      const honest = await crowd.endedOn(neighbour, 60_000);
      expect(honest, name).toMatchObject({ state: "succeeded", attempts: 1 });
      expect((await crowd.made(neighbour))["sum.js"]?.text, name).toBe("2\n");
      const task = await crowd.endedOn(attacking, 240_000);
      const seen = (await crowd.made(attacking))["seen"]?.text ?? "";
      if (only !== "") console.log(name, JSON.stringify(task, null, 1).slice(-900), seen.slice(0, 3000));
      expect(task.state, name).toBe(attack.state);
      expect(seen, name).toMatch(attack.seen ?? /^/);
      expect(seen, name).not.toMatch(/ESCAPED$/m);
      expect(
        Object.values(crowd.secrets).filter((secret) => seen.includes(secret)),
        name,
      ).toEqual([]);
      expect(bait.touched(), name).toEqual([]);
      expect(crowd.slowestHealthMs(), name).toBeLessThan(healthAtMostMs);
      expect(crowd.peakMemoryMiB(), name).toBeLessThan(memoryAtMostMiB);
      const ms = Math.round(performance.now() - startMs);
      console.log(
        `hostile-sandbox: ${name}: ${task.state} after ${ms} ms, service at ${Math.round(crowd.peakMemoryMiB())} MiB`,
      );
    }
    const figures = [Math.round(crowd.slowestHealthMs()), Math.round(crowd.peakMemoryMiB())];
    await crowd.expectNothingLeft();
    console.log(
      `hostile-sandbox: ${attacks.length} attacks, slowest health ${figures[0]} ms, service at most ${figures[1]} MiB`,
    );
  },
);
