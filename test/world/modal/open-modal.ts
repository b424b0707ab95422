/**
 * A stand-in for Modal, for the unmodified client: its control plane and its command router, with real processes. It
 * is a process of its own, so that sandboxes outlive a service that is killed.
 */
import { fork, type ChildProcess } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { Status } from "nice-grpc";
import { findProgram } from "../../../src/sandbox/local/programs.ts";
import type { Options } from "./account.ts";
import type { Free } from "./capacity.ts";
import type { Control } from "./control.ts";
import type { Answer, Order } from "./process.ts";

type Remote = {
  readonly [Name in keyof Control]: (...args: Parameters<Control[Name]>) => Promise<Awaited<ReturnType<Control[Name]>>>;
};

export type ModalOptions = Partial<Omit<Options, "directory">>;

const defaults = {
  tokenId: "ak-standin",
  tokenSecret: "as-standin",
  tokenLifeS: 20 * 60,
  keepBytes: 2 ** 20,
  pageSize: 100,
  isV1InListV2: true,
  listLagMs: 0,
  commitMs: 1000,
  graceMs: 500,
  buildMs: 0,
  containers: 100,
  gpus: 10,
  claude: undefined,
} as const;

/** A name of the wire's, as in modal.md §5: `SandboxCreateV2`. */
type Call = string;

function faultsOf(remote: Remote) {
  const refuse = (call: Call, code: Status, words: string, times = 1): Promise<void> =>
    remote.fault(call, { do: "refuse", code, words }, times);
  return {
    refuse,
    unavailable: (call: Call, times = 1) => refuse(call, Status.UNAVAILABLE, "Service is unavailable", times),
    /** It is carried out, and its answer gets lost: the client asks again up to three times under the same key. */
    loseReply: (call: Call, times = 1) => remote.fault(call, { do: "lose" }, times),
    slow: (call: Call, ms: number, times = 1) => remote.fault(call, { do: "wait", ms }, times),
    /** The client waits as long as it is told to, and comes again. */
    throttle: (call: Call, retryAfterSecs: number, times = 1) =>
      remote.fault(
        call,
        { do: "refuse", code: Status.RESOURCE_EXHAUSTED, words: "Rate limit exceeded", retryAfterSecs },
        times,
      ),
    /** Without a word on when to come again. */
    exhaust: (call: Call, times = 1) => refuse(call, Status.RESOURCE_EXHAUSTED, "Rate limit exceeded", times),
    /** What clients hold is refused from now on, however long it says it is good. */
    expireTokens: () => remote.expireSessions(),
    /** For tokens given out from now on. */
    tokenLife: (seconds: number) => remote.change({ tokenLifeS: seconds }),
    /** A layer with this text in a command is not built. */
    failLayer: remote.failLayer,
    /** By id or name: it ends at once with this status of `GenericResult`. */
    end: remote.end,
    preempt: remote.preempt,
    /** An image of this id expires. */
    deleteImage: remote.deleteImage,
    clear: remote.clearFaults,
  };
}

async function connect(child: ChildProcess): Promise<{ address: string; remote: Remote }> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  const address = Promise.withResolvers<unknown>();
  waiting.set(0, address);
  child.on("message", (answer: Answer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ("error" in answer) asked?.reject(new Error(answer.error));
    else asked?.resolve(answer.value);
  });
  child.on("exit", () => {
    for (const { reject } of waiting.values()) reject(new Error("The stand-in for Modal has ended"));
  });
  let last = 0;
  const remote = new Proxy({} as Remote, {
    get:
      (_, method: string) =>
      (...args: readonly unknown[]) => {
        last += 1;
        const asked = Promise.withResolvers<unknown>();
        waiting.set(last, asked);
        child.send({ id: last, method, args } satisfies Order);
        return asked.promise;
      },
  });
  return { address: String(await address.promise), remote };
}

export async function openModal(given: ModalOptions = {}) {
  const directory = mkdtempSync(join(tmpdir(), "parhelia-modal-"));
  const bwrap = "bwrap" in given ? given.bwrap : findProgram("bwrap");
  const options: Options = { ...defaults, ...given, bwrap, directory };
  const child = fork(join(import.meta.dirname, "process.ts"), [JSON.stringify(options)], {
    serialization: "advanced",
    // A test runner's own flags are no flags of a plain Node.
    execArgv: [],
    env: { PATH: process.env["PATH"] },
  });
  const { address, remote } = await connect(child);
  const { tokenId, tokenSecret } = options;
  const url = `http://${address}`;
  return {
    url,
    tokenId,
    tokenSecret,
    /** For the client, which reads its configuration when it is imported and when it is made. */
    environment: (): Record<string, string> => ({
      MODAL_SERVER_URL: url,
      MODAL_CONFIG_PATH: join(directory, "no-such.toml"),
      MODAL_TOKEN_ID: tokenId,
      MODAL_TOKEN_SECRET: tokenSecret,
      MODAL_LOGLEVEL: "error",
    }),
    faults: faultsOf(remote),
    capacity: {
      /** A card that is not free: never, or so long after each creation. */
      set: (gpu: string, free: Free) => remote.setCapacity(gpu, free),
      upgrade: remote.upgradeGpu,
      /** The cards that are found in sandboxes which asked for this one, whatever was granted. */
      show: remote.showCards,
    },
    secrets: { make: remote.makeSecret, drop: remote.dropSecret },
    tokens: { make: remote.makeToken, revoke: remote.revokeToken },
    environments: { make: remote.makeEnvironment },
    /** Sandboxes of someone else in the same account. Answers their ids. */
    foreign: remote.makeForeign,
    /** What is not over, foreign ones included. */
    living: remote.living,
    /** One entry for each sandbox made through the client. */
    bill: remote.bill,
    images: remote.images,
    /** With the directory on this machine that each one is. */
    volumes: remote.volumes,
    /** The names of all calls, in order. */
    calls: remote.calls,
    change: remote.change,
    /** Lets time pass on the stand-in's own clock: lifetimes end and bills grow. */
    pass: remote.pass,
    async close(): Promise<void> {
      const gone = once(child, "exit");
      if (child.connected) {
        child.disconnect();
        await gone;
      }
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

export type ModalWorld = Awaited<ReturnType<typeof openModal>>;
