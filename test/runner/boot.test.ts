/** How the runner gets into a sandbox: bundled, fetched by its hash, run in the same process. */
import { expect, test, vi } from "vitest";
import { bootCommand } from "../../src/core/boot.ts";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { bundle, shell, startSandbox, throughGateway } from "./sandbox.ts";

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

test.skipIf(!hasGit)(
  "the boot command takes the runner from the gateway, but only the one with the right hash",
  async () => {
    using repository = makeRepository({});
    const wrong = [{ status: 503 }, { status: 200, body: "console.log('another runner')" }];
    const { source, options } = throughGateway(repository);
    using sandbox = await startSandbox({
      work: shell("echo booted"),
      source,
      options: { ...options, runner: bundle },
      argv: bootCommand(bundle.sha256),
      env: { PARHELIA_RUNNER: "" },
      before: ({ control }) => {
        control.fault = ({ path }) => (path.startsWith("/gateway/runner/") ? wrong.shift() : undefined);
      },
    });
    expect((await sandbox.finish()).tail).toBe("booted\n");
    const asked = sandbox.gateway.requests.filter(({ path }) => path === `/gateway/runner/${bundle.sha256}`);
    expect(asked.map(({ headers }) => headers.authorization)).toEqual([undefined, undefined, undefined]);
  },
);

test("the bundle is small and needs nothing but Node.js", () => {
  expect(bundle.code.length).toBeLessThan(26 * 1024);
  const imports = [...bundle.code.toString().matchAll(/\bfrom\s*"([^"]+)"/g)].map(([, name]) => name);
  expect(imports.length).toBeGreaterThan(0);
  expect(imports.filter((name) => !name?.startsWith("node:"))).toEqual([]);
});

test("the boot command takes nothing but a hash", () => {
  expect(() => bootCommand('"; process.exit()')).toThrow("is no SHA-256");
});
