/** What sandboxes wrote, as the control plane tells it: V1's stream, and the logs of an app. */
import { sandboxOf, type Account } from "./account.ts";
import type { Sandbox } from "./sandbox.ts";
import { descriptor, type Asked, type Handlers } from "./wire.ts";

interface Line {
  readonly data: string;
  readonly at: number;
  readonly fileDescriptor: number;
  readonly sandbox: Sandbox;
}

const linesOf = (sandbox: Sandbox): Line[] =>
  (
    [
      ["out", descriptor.stdout],
      ["err", descriptor.stderr],
    ] as const
  ).flatMap(([name, fileDescriptor]) =>
    sandbox[name].chunks.map(({ bytes, at }) => {
      return { data: Buffer.from(bytes).toString(), at, fileDescriptor, sandbox };
    }),
  );

type Filter = Pick<
  Asked<"appFetchLogs">,
  "appId" | "since" | "until" | "source" | "taskId" | "sandboxId" | "searchText"
>;

function found(account: Account, filter: Filter): Line[] {
  const { appId, since, until, source = 0, taskId = "", sandboxId = "", searchText = "" } = filter;
  const sandboxes = [...account.sandboxes.values()].filter(
    (one) =>
      one.app.id === appId && (taskId === "" || one.taskId === taskId) && (sandboxId === "" || one.id === sandboxId),
  );
  const lines = sandboxes
    .flatMap(linesOf)
    .filter(
      ({ at, fileDescriptor, data }) =>
        at >= (since?.getTime() ?? 0) &&
        at < (until?.getTime() ?? Number.POSITIVE_INFINITY) &&
        (source === 0 || source === fileDescriptor) &&
        data.includes(searchText),
    );
  return lines.sort((a, b) => a.at - b.at);
}

export const logCalls = (account: Account): Handlers => ({
  /** From after `lastEntryId` (`0-0` at first) until all is told or the time is up. */
  async *sandboxGetLogs({ sandboxId, fileDescriptor, lastEntryId = "0-0", timeout = 0 }, { signal }) {
    const sandbox = sandboxOf(account, sandboxId);
    const output = fileDescriptor === descriptor.stderr ? sandbox.err : sandbox.out;
    const enough = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeout * 1000))]);
    const told = Number(lastEntryId.split("-")[0] ?? 0);
    let offset = told;
    const { taskId } = sandbox;
    for await (const { data, startingOffset } of output.read(told, enough)) {
      offset = startingOffset + data.length;
      yield { taskId, entryId: `${offset}-0`, items: [{ data: Buffer.from(data).toString(), fileDescriptor }] };
    }
    if (output.isOver) yield { taskId, entryId: `${offset}-0`, items: [], eof: true };
  },

  async sandboxStdinWrite({ sandboxId, input, eof }) {
    const sandbox = sandboxOf(account, sandboxId);
    const started = await sandbox.up.promise;
    started?.main.stdin?.write(input ?? new Uint8Array());
    if (eof === true) started?.main.stdin?.end();
    sandbox.activeAt = account.clock.now();
    return {};
  },

  async appCountLogs({ bucketSecs = 60, ...filter }) {
    const buckets = Map.groupBy(found(account, filter), ({ at }) => Math.floor(at / 1000 / bucketSecs) * bucketSecs);
    const of = (lines: Line[], wanted: number): number =>
      lines.filter(({ fileDescriptor }) => fileDescriptor === wanted).length;
    const told = [...buckets].map(([seconds, lines]) => ({
      bucketStartAt: new Date(seconds * 1000),
      stdoutLogs: of(lines, descriptor.stdout),
      stderrLogs: of(lines, descriptor.stderr),
    }));
    return { appId: filter.appId, buckets: told };
  },

  async appFetchLogs({ limit = 0, ...filter }) {
    const lines = found(account, filter).slice(limit === 0 ? 0 : -limit);
    const batches = [...Map.groupBy(lines, ({ sandbox }) => sandbox)].map(([{ id, taskId }, items]) => ({
      taskId,
      sandboxId: id,
      items: items.map(({ data, at, fileDescriptor }) => ({
        data,
        fileDescriptor,
        timestamp: at / 1000,
        timestampNs: `${BigInt(at) * 1_000_000n}`,
      })),
    }));
    return { batches };
  },
});
