/**
 * How a sandbox reads the repository: a read-only token for the forge's, or git's own protocol, for a repository on this
 * machine and for a sandbox that reaches nothing but this service.
 */
import { spawn } from "node:child_process";
import { pipeline, Readable } from "node:stream";
import { createGunzip } from "node:zlib";
import { Hono, type Context } from "hono";
import type { Forge } from "../core/ports/forge.ts";
import type { Task } from "../core/task.ts";
import { readTask } from "../records/read-task.ts";
import { tooMany, type GatewayWorld, type InsideEnv } from "./door.ts";
import { fetchFromForge } from "./forge-git.ts";
import { openShares, type Share } from "./shares.ts";

/** A fetch has one at a time. Each is a process of the service's, which the sandbox's limits do not hold. */
const mostGits = 4;

export function repositoryRoutes(world: GatewayWorld & { forge: Forge; fetch: typeof fetch }): Hono<InsideEnv> {
  const shares = openShares({ calls: mostGits, bytes: 0 });
  const taskOf = async (context: Context<InsideEnv>) =>
    (await readTask(world.store, world.clock.now(), context.get("attempt").task))?.value;
  /** Answers one call of a fetch: the second has a body. */
  const fetching = async (context: Context<InsideEnv>): Promise<Response> => {
    const task = await taskOf(context);
    const source = task === undefined ? undefined : sourceOf(task);
    if (task === undefined || source === undefined) return context.notFound();
    const share = shares.take(context.get("attempt").id);
    if (share === undefined) return tooMany(context);
    const { raw } = context.req;
    if (typeof source === "string") return uploadPack({ directory: source, share, signal: raw.signal }, wantedBy(raw));
    try {
      const token = await world.forge.repositoryToken(task);
      return await fetchFromForge(raw, { url: source.url, token, share, fetch: world.fetch });
    } catch (error) {
      share.leave();
      throw error;
    }
  };
  return new Hono<InsideEnv>()
    .get("/repository-token", async (context) => {
      const task = await taskOf(context);
      if (task === undefined) return context.json({ error: "The task is gone." }, 404);
      return context.json(await world.forge.repositoryToken(task));
    })
    .get("/git/info/refs", async (context) =>
      context.req.query("service") === "git-upload-pack" ? fetching(context) : context.notFound(),
    )
    .post("/git/git-upload-pack", async (context) =>
      context.req.raw.body === null ? context.notFound() : fetching(context),
    );
}

/** The git directory on this machine, or the forge's repository; undefined where the sandbox has its own way to that. */
function sourceOf({ origin: { place }, spec, base }: Task): string | { readonly url: string } | undefined {
  if (place.kind === "terminal") return place.directory;
  const url = base?.url ?? undefined;
  return url !== undefined && spec.network?.reaches === "none" ? { url } : undefined;
}

/** What git says it wants and has; undefined where it asks what there is. */
function wantedBy({ body, headers }: Request): Readable | undefined {
  if (body === null) return undefined;
  const wanted = Readable.from(body);
  return headers.get("content-encoding") === "gzip" ? unzipped(wanted) : wanted;
}

/** The line and the flush with which the smart protocol announces its service over HTTP. */
const announcement = "001e# service=git-upload-pack\n0000";

interface Serving {
  readonly directory: string;
  /** Left when git has ended. */
  readonly share: Share;
  /** Aborted when the caller has gone away. */
  readonly signal: AbortSignal;
}

function uploadPack({ directory, share, signal }: Serving, said: Readable | undefined): Response {
  const kind = said === undefined ? "advertisement" : "result";
  const wanted = said ?? Readable.from([]);
  const advertise = said === undefined ? ["--http-backend-info-refs"] : [];
  // The pinned commit need not be the tip of a branch; the repository may belong to another user than the service.
  // Packing on all processors would take them from the neighbours.
  const settings = ["uploadpack.allowAnySHA1InWant=true", "safe.directory=*", "pack.threads=1"].flatMap((setting) => [
    "-c",
    setting,
  ]);
  const git = spawn("git", [...settings, "upload-pack", "--stateless-rpc", ...advertise, directory], {
    stdio: ["pipe", "pipe", "ignore"],
  });
  const abandon = (): void => void git.kill();
  signal.addEventListener("abort", abandon);
  if (signal.aborted) abandon();
  git.on("close", () => {
    signal.removeEventListener("abort", abandon);
    share.leave();
  });
  // Without git the answer is empty, and the runner says that it could not fetch.
  git.on("error", () => {
    wanted.destroy();
    share.leave();
  });
  // One that breaks off, or is no gzip, ends git; where git ended first there is nobody left to end.
  pipeline(wanted, git.stdin, (cause) => {
    if (cause) git.kill();
  });
  const output = Readable.from(kind === "advertisement" ? announced(git.stdout) : git.stdout);
  return new Response(Readable.toWeb(output), {
    headers: { "content-type": `application/x-git-upload-pack-${kind}`, "cache-control": "no-store" },
  });
}

/** `pipe` alone would leave the error of a caller that goes away without a listener, which ends the whole service. */
const unzipped = (zipped: Readable): Readable => {
  const plain = createGunzip();
  // The error is seen at the reading end too.
  pipeline(zipped, plain, () => undefined);
  return plain;
};

async function* announced(pack: Readable): AsyncGenerator<Uint8Array> {
  yield Buffer.from(announcement);
  for await (const chunk of pack) yield chunk;
}
