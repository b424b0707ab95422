/** Puts a sandbox on its machine, and watches what becomes of it there. */
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { mainEnvironment, type Account } from "./account.ts";
import { startBare } from "./bare.ts";
import { cardsOf, nvidiaSmi } from "./gpus.ts";
import { startJailed } from "./jail.ts";
import type { Ground, Started } from "./machine.ts";
import type { Output } from "./output.ts";
import type { Sandbox } from "./sandbox.ts";
import { openView } from "./views.ts";
import { status, type Result } from "./wire.ts";

/** Of a card that was granted, and of none else; a test may say what it finds there. */
function driverOf({ capacity }: Account, { gpu, ask }: Sandbox): Readonly<Record<string, string>> {
  if (gpu === undefined) return {};
  return { "/usr/local/bin/nvidia-smi": nvidiaSmi(capacity.shown(ask.gpu ?? gpu) ?? cardsOf(gpu)) };
}

function groundOf(account: Account, sandbox: Sandbox): Ground {
  const { ask, app } = sandbox;
  const directory = join(account.options.directory, "sandboxes", sandbox.id);
  const contents = account.images.get(ask.imageId)?.contents;
  if (contents === undefined) throw new Error(`Image ${ask.imageId} is gone`);
  return {
    directory,
    contents,
    scripts: driverOf(account, sandbox),
    claude: account.options.claude,
    mounts: ask.mounts.map(({ volumeId, subPath = "", at, readOnly }, n) => {
      const volume = account.volumes.get(volumeId);
      if (volume === undefined) throw new Error(`Volume ${volumeId} is gone`);
      const view = openView(join(volume.directory, subPath), join(directory, "volumes", `${n}`));
      sandbox.views.push({ view, readOnly });
      return { at, readOnly, from: view.directory };
    }),
    network: ask.network,
    env: {
      MODAL_SANDBOX_ID: sandbox.id,
      MODAL_TASK_ID: sandbox.taskId,
      MODAL_IMAGE_ID: ask.imageId,
      MODAL_ENVIRONMENT: app.environment || mainEnvironment,
      MODAL_CLOUD_PROVIDER: "CLOUD_PROVIDER_AWS",
      MODAL_REGION: ask.regions[0] ?? "us-east-1",
      ...ask.env,
    },
    workdir: ask.workdir ?? contents.workdir ?? "/",
  };
}

/** What a signal makes of an exit code, as shells say it. */
export function exitCodeOf(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? { SIGHUP: 129, SIGINT: 130, SIGKILL: 137, SIGSEGV: 139, SIGTERM: 143 }[String(signal)] ?? 1;
}

export function collect(child: ChildProcess, out: Output, err: Output): void {
  child.stdout?.on("data", (bytes: Uint8Array) => out.write(bytes));
  child.stderr?.on("data", (bytes: Uint8Array) => err.write(bytes));
  // A process that ended does not read what is still written to it.
  child.stdin?.on("error", () => undefined);
}

type Ended = (result: Result) => void;

/** Resolves when its command runs, or to undefined where the machine does not stand up. */
export async function startMachine(account: Account, sandbox: Sandbox, ended: Ended): Promise<Started | undefined> {
  const { bwrap } = account.options;
  const ground = groundOf(account, sandbox);
  const { command } = sandbox.ask;
  const own = ground.contents.command;
  // modal.md §6.12: an image without a command of its own ends at once.
  const asked = [command, own].find((words) => words.length > 0) ?? ["true"];
  const watch = (main: ChildProcess): void => {
    collect(main, sandbox.out, sandbox.err);
    main.on("error", (error) => ended({ status: status.internalFailure, exception: error.message }));
    main.on("close", (code, signal) => {
      const exitcode = exitCodeOf(code, signal);
      const ranInto = exitcode === 0 ? status.success : status.failure;
      void starting.then((started) =>
        ended(
          started === undefined
            ? { status: status.initFailure, exitcode, exception: "Runner failed" }
            : { status: ranInto, exitcode },
        ),
      );
    });
  };
  const starting = bwrap === undefined ? startBare(ground, asked, watch) : startJailed(bwrap, ground, asked, watch);
  return starting;
}
