/** The runner names the cards in its sandbox before anything else, and does no work where there is none. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { shell, startSandbox, throughGateway } from "./sandbox.ts";

vi.setConfig({ testTimeout: 30_000 });

const hasGit = needs("git");

/** A PATH in which `nvidia-smi` is this script. */
function withDriver(script: string): string {
  const directory = mkdtempSync(join(tmpdir(), "driver-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const file = join(directory, "nvidia-smi");
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return `${directory}:${process.env["PATH"]}`;
}

const run = async (gpu: string | null, driver: string) => {
  using repository = makeRepository({});
  const work = shell("echo worked");
  using sandbox = await startSandbox({ work, gpu, env: { PATH: withDriver(driver) }, ...throughGateway(repository) });
  const result = await sandbox.finish();
  return { result, events: sandbox.gateway.events.map(({ type, level, message }) => ({ type, level, message })) };
};

test.skipIf(!hasGit)("the cards are the first words, read with the question that Modal's driver answers", async () => {
  const driver =
    '[ "$*" = "--query-gpu=name,memory.total --format=csv,noheader" ] && printf "NVIDIA L4, 23034 MiB\\nNVIDIA L4, 23034 MiB\\n"';
  const { result, events } = await run("L4:2", driver);
  expect(result).toMatchObject({ ended: "exited", tail: "worked\n" });
  expect(events.slice(0, 2)).toEqual([
    { type: "cards", level: "info", message: "NVIDIA L4, 23034 MiB; NVIDIA L4, 23034 MiB" },
    { type: "runner_started", level: "info", message: "The sandbox is up" },
  ]);
});

test.skipIf(!hasGit).each([
  ["No devices were found", "echo 'No devices were found'", "No devices were found"],
  ["an error", "echo 'NVIDIA-SMI has failed'; exit 9", "NVIDIA-SMI has failed"],
  ["nothing", "true", "silence"],
])("where the driver answers with %s, nothing is done on a CPU instead", async (_, driver, said) => {
  const { result, events } = await run("H100", driver);
  const because = `GPU H100 was asked for, and there is none in the sandbox (nvidia-smi: ${said})`;
  expect(result).toMatchObject({ ended: "could-not-start", because, tail: "" });
  expect(events[0]).toEqual({ type: "cards", level: "warning", message: because });
  expect(events.map(({ type }) => type)).not.toContain("output");
});

test.skipIf(!hasGit)("without a GPU asked for, no driver is asked", async () => {
  const { result, events } = await run(null, "exit 1");
  expect(result).toMatchObject({ ended: "exited", tail: "worked\n" });
  expect(events[0]?.type).toBe("runner_started");
});
