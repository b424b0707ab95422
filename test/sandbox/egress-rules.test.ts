/** Which hosts and addresses the proxy of the local sandboxes lets through. */
import { expect, test } from "vitest";
import { isPublic } from "../../src/sandbox/local/egress-target.ts";
import { openOrigin, openProxy, refused } from "./proxy.ts";

test("a host that is not listed is refused, with the cure", async () => {
  const { ask, connect, entries } = await openProxy({ allow: ["listed.example", "*.wild.example"] });
  const unlisted =
    /it is not among the allowed hosts; the settings of the repository \(`sandbox\.allow_hosts`\) or the operator of this Parhelia leave it out/;
  for (const host of ["evil.example", "wild.example", "notwild.example", "a.listed.example"]) {
    expect(await ask(`http://${host}/`)).toMatchObject(refused(403, host, unlisted));
  }
  expect(await connect("evil.example:443")).toMatch(
    /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\n\r\nParhelia opens no connection to evil\.example: /,
  );
  expect(entries.at(-1)).toMatchObject({ outcome: "refused", host: "evil.example", port: 443, address: "" });
  expect(entries).toHaveLength(5);
});

test("listed hosts are looked up, by exact name or suffix, on ports 80 and 443 only", async () => {
  const asked: string[] = [];
  const resolve = async (host: string) => {
    asked.push(host);
    throw new Error("no such name");
  };
  const { ask, connect } = await openProxy({ allow: ["Listed.example", "*.wild.example"], resolve });
  for (const host of ["listed.example", "LISTED.example.", "a.wild.example", "b.a.wild.example"]) {
    expect((await ask(`http://${host}/`)).status).toBe(502);
  }
  expect(asked).toEqual(["listed.example", "listed.example", "a.wild.example", "b.a.wild.example"]);
  expect(await connect("listed.example:443")).toMatch(
    /502[^]*could not be looked up \(no such name\); try again later\./,
  );
  expect(await connect("listed.example:25")).toMatch(
    /403[^]*port 25 is closed to sandboxes; use https \(443\) or http \(80\)\./,
  );
});

test("a listed name that means a private address is refused", async () => {
  const addresses = [
    "10.0.0.1",
    "127.0.0.1",
    "169.254.169.254",
    "192.168.1.1",
    "172.16.0.1",
    "100.64.0.1",
    "0.0.0.0",
    "::1",
    "fe80::1",
    "fd00::1",
    "::ffff:127.0.0.1",
    "::127.0.0.1",
    "::7f00:1",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2001::1",
    "fec0::1",
    "ff02::1",
    "255.255.255.255",
    "nonsense",
  ];
  let answer: string[] = [];
  const { ask, entries } = await openProxy({ allow: ["listed.example"], resolve: async () => answer });
  for (const address of addresses) {
    answer = [address];
    expect({ address, ...(await ask("http://listed.example/")) }).toMatchObject(
      refused(
        403,
        "listed.example",
        /it has no public address, and private ones are closed to sandboxes; use a public host/,
      ),
    );
  }
  expect(entries.every(({ outcome }) => outcome === "refused")).toBe(true);
  expect(["140.82.121.4", "2606:4700::1111"].map(isPublic)).toEqual([true, true]);
});

test("an address instead of a name is judged by what it means, however it is written", async () => {
  const { port } = await openOrigin();
  const { ask, connect } = await openProxy({
    allow: ["127.0.0.1", "::1", "localhost", "*.localhost"],
    origin: `http://github.localhost:${port}`,
  });
  for (const host of ["127.0.0.1", "2130706433", "0x7f.1", "[::1]", "localhost", "x.localhost", "[::ffff:127.0.0.1]"]) {
    expect({ host, status: (await ask(`http://${host}/`)).status }).toEqual({ host, status: 403 });
    expect(await connect(`${host}:443`)).toMatch(/^HTTP\/1\.1 403 /);
  }
  expect(await ask("http://x.localhost/")).toMatchObject(
    refused(403, "x.localhost", /it names the machine of the service, which no sandbox may reach; use a public host/),
  );
  for (const address of [`127.0.0.1:${port}`, `localhost:${port}`, "github.localhost:80", "github.localhost:443"]) {
    expect({ address, status: (await ask(`http://${address}/`)).status }).toEqual({ address, status: 403 });
  }
});

test("an entry that is no host is refused at the start", async () => {
  for (const entry of ["https://example.org", "example.org/x", "*", "a.*.b", ""]) {
    await expect(openProxy({ allow: [entry] })).rejects.toThrow("is no host to allow");
  }
  await expect(openProxy({ origin: "github.com" })).rejects.toThrow("is no http or https address");
});
