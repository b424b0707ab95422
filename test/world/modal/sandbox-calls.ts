/** The control plane's calls about sandboxes, the old kind (V1) and the new one (V2). */
import { setTimeout as delay } from "node:timers/promises";
import { environmentOf, findNamed, sandboxOf, type Account } from "./account.ts";
import { readAsk } from "./ask.ts";
import { billed } from "./bill.ts";
import { checkNameIsFree, createSandbox, end, terminated } from "./life.ts";
import type { Named } from "./records.ts";
import { checkName, invalid, notFound, unmet } from "./refuse.ts";
import { isAlive, type Sandbox } from "./sandbox.ts";
import { newSession } from "./session.ts";
import type { Asked, Handlers } from "./wire.ts";

const appOf = (account: Account, id: string): Named => {
  const app = account.apps.get(id);
  if (app === undefined) throw notFound(`App ${id} not found`);
  return app;
};

/** A task that is over has no router any more. */
function access(account: Account, sandbox: Sandbox) {
  if (!isAlive(sandbox)) throw unmet(`Sandbox ${sandbox.id} has already finished`);
  // The client dials it in plaintext all the same, and only if it reads `https:` (modal.md §5 "Endpoints").
  return { url: `https://${account.address}`, jwt: newSession(account, sandbox.taskId) };
}

const handle = ({ app, result, state }: Sandbox) => ({ appId: app.id, result: state === "over" ? result : undefined });

/** modal.md §5: "Wait returns no `result` while running". */
async function wait(sandbox: Sandbox, timeout: number, signal: AbortSignal) {
  const enough = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(timeout * 1000))]);
  const waited = new Promise<void>((resolve) => enough.addEventListener("abort", () => resolve(), { once: true }));
  if (timeout > 0) await Promise.race([sandbox.over.promise, waited]);
  const metadata = handle(sandbox);
  return { result: metadata.result, metadata };
}

function named(account: Account, asked: Asked<"sandboxGetFromNameV2">, version: 1 | 2): Sandbox {
  const { appName = "", sandboxName = "", environmentName, includeTerminated } = asked;
  const app = findNamed(account.apps, environmentOf(account, environmentName), appName);
  const all = [...account.sandboxes.values()].filter(
    (one) => one.app.id === app?.id && one.name === sandboxName && one.ask.version === version,
  );
  const found = all.find(isAlive) ?? (includeTerminated === true ? all.at(-1) : undefined);
  if (found === undefined) throw notFound(`Sandbox with name '${sandboxName}' not found in App '${appName}'`);
  return found;
}

function inList(sandbox: Sandbox) {
  const { id, taskId, createdAt, startedAt = 0, endedAt = 0, app, name, tags, ask } = sandbox;
  const metadata = handle(sandbox);
  const seconds = { startedAt: startedAt / 1000, finishedAt: endedAt / 1000, enqueuedAt: createdAt / 1000 };
  return {
    id,
    createdAt: createdAt / 1000,
    appId: app.id,
    name: name ?? "",
    imageId: ask.imageId,
    timeoutSecs: ask.lifetimeMs / 1000,
    tags: tagsOf(tags),
    // Before it has a machine it has no task.
    taskInfo:
      sandbox.state === "queued"
        ? undefined
        : { id: taskId, sandboxId: id, result: metadata.result, gpuType: sandbox.gpu?.type ?? "", ...seconds },
    metadata,
  };
}

const tagsOf = (tags: Sandbox["tags"]) => Object.entries(tags).map(([tagName, tagValue]) => ({ tagName, tagValue }));

/** modal.md §5: "newest first and page strictly below `beforeTimestamp`"; §3: "all tags must match". */
function list(account: Account, asked: Asked<"sandboxListV2">, isListed: (sandbox: Sandbox) => boolean) {
  const { appId = "", environmentName, beforeTimestamp = 0, includeFinished, tags = [] } = asked;
  const environment = appId === "" ? environmentOf(account, environmentName) : undefined;
  if (appId !== "") appOf(account, appId);
  const found = [...account.sandboxes.values()].filter(
    (one) =>
      isListed(one) &&
      (environment === undefined ? one.app.id === appId : one.app.environment === environment) &&
      (includeFinished === true || isAlive(one)) &&
      one.createdAt + account.options.listLagMs <= account.clock.now() &&
      (beforeTimestamp === 0 || one.createdAt / 1000 < beforeTimestamp) &&
      tags.every(({ tagName = "", tagValue }) => one.tags[tagName] === tagValue),
  );
  const newest = found.sort((a, b) => b.createdAt - a.createdAt);
  return { sandboxes: newest.slice(0, account.options.pageSize).map(inList) };
}

async function terminate(account: Account, sandbox: Sandbox) {
  const existingResult = isAlive(sandbox) ? undefined : sandbox.result;
  end(account, sandbox, terminated);
  return { existingResult };
}

async function setTags(sandbox: Sandbox, { tags = [] }: Asked<"sandboxTagsSetV2">) {
  if (tags.some(({ tagName }) => tagName === undefined || tagName === "")) throw invalid("A tag needs a name.");
  sandbox.tags = Object.fromEntries(tags.map(({ tagName, tagValue }) => [tagName, tagValue ?? ""]));
  return {};
}

/** No id while it is queued: the client asks again every half second, for up to 21 minutes (modal.md §4). */
async function taskId(sandbox: Sandbox, { timeout = 0 }: Asked<"sandboxGetTaskId">) {
  const until = Date.now() + timeout * 1000;
  while (sandbox.state === "queued" && Date.now() < until) await delay(10);
  if (sandbox.startedAt !== undefined) return { taskId: sandbox.taskId };
  return { taskResult: isAlive(sandbox) ? undefined : sandbox.result };
}
/** What both backends can, each by a call of its own. */
function ofBoth(account: Account): Handlers {
  const v1 = (id: string | undefined): Sandbox => sandboxOf(account, id, 1);
  const v2 = (id: string | undefined): Sandbox => sandboxOf(account, id, 2);
  return {
    sandboxWait: async ({ sandboxId, timeout = 0 }, { signal }) => wait(v1(sandboxId), timeout, signal),
    sandboxWaitV2: async ({ sandboxId, timeout = 0 }, { signal }) => wait(v2(sandboxId), timeout, signal),
    sandboxGetTaskId: async (asked) => taskId(v1(asked.sandboxId), asked),
    sandboxGetTaskIdV2: async (asked) => taskId(v2(asked.sandboxId), asked),
    sandboxTerminate: async ({ sandboxId }) => terminate(account, v1(sandboxId)),
    sandboxTerminateV2: async ({ sandboxId }) => terminate(account, v2(sandboxId)),
    sandboxTagsSet: async (asked) => setTags(v1(asked.sandboxId), asked),
    sandboxTagsSetV2: async (asked) => setTags(v2(asked.sandboxId), asked),
    sandboxTagsGet: async ({ sandboxId }) => ({ tags: tagsOf(v1(sandboxId).tags) }),
    sandboxTagsGetV2: async ({ sandboxId }) => ({ tags: tagsOf(v2(sandboxId).tags) }),
  };
}

export const sandboxCalls = (account: Account): Handlers => ({
  ...ofBoth(account),
  async sandboxCreateV2(request) {
    const ask = readAsk(account, 2, request);
    const sandbox = createSandbox(account, ask, appOf(account, ask.appId), false);
    const metadata = handle(sandbox);
    return { sandboxId: sandbox.id, taskId: sandbox.taskId, metadata, commandRouterAccess: access(account, sandbox) };
  },
  async sandboxCreate(request) {
    const ask = readAsk(account, 1, request);
    const sandbox = createSandbox(account, ask, appOf(account, ask.appId), false);
    return { sandboxId: sandbox.id, metadata: handle(sandbox) };
  },
  sandboxGetFromName: async (asked) => ({ sandboxId: named(account, asked, 1).id }),
  sandboxGetFromNameV2: async (asked) => ({ sandboxId: named(account, asked, 2).id }),
  sandboxList: async (asked) => list(account, asked, ({ ask }) => ask.version === 1),
  sandboxListV2: async (asked) => list(account, asked, ({ ask }) => ask.version === 2 || account.options.isV1InListV2),
  async sandboxSetName({ sandboxId, name = "" }) {
    const sandbox = sandboxOf(account, sandboxId);
    checkName("Sandbox", name);
    if (sandbox.name !== undefined || !isAlive(sandbox))
      throw unmet("The sandbox has a name already, or has finished.");
    checkNameIsFree(account, sandbox.app.id, name);
    sandbox.name = name;
    return {};
  },
  sandboxGetCommandRouterAccess: async ({ sandboxId }) => access(account, sandboxOf(account, sandboxId)),
  async taskGetCommandRouterAccess({ taskId }) {
    const sandbox = [...account.sandboxes.values()].find((one) => one.taskId === taskId);
    if (sandbox === undefined) throw notFound(`Task ${taskId} not found`);
    return access(account, sandbox);
  },
  async sandboxGetResourceUsage({ sandboxId }) {
    const { coreSeconds, gibSeconds, gpuSeconds, gpu } = billed(account, sandboxOf(account, sandboxId));
    const nano = (seconds: number): number => Math.round(seconds * 1e9);
    const cpuCoreNanosecs = nano(coreSeconds);
    return { cpuCoreNanosecs, memGibNanosecs: nano(gibSeconds), gpuNanosecs: nano(gpuSeconds), gpuType: gpu };
  },
});
