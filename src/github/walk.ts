/**
 * Going through the repositories of all installations, some at a time, for what no delivery told us of. What one of them
 * refuses, or cannot say, is in no other's way.
 */
import type { Octokit } from "@octokit/rest";
import { z } from "zod";
import { Busy } from "../core/busy.ts";
import { InstallationId } from "../core/ids.ts";
import type { Log } from "../core/ports/log.ts";
import { Refusal } from "../core/refusal.ts";
import type { Clients } from "./client.ts";
import { failureOf, isNo } from "./failure.ts";

export interface WalkOptions {
  readonly clients: Clients;
  readonly installations: readonly number[];
  readonly log: Log;
}

type Listed = Awaited<ReturnType<Octokit["rest"]["apps"]["listReposAccessibleToInstallation"]>>;
export type WalkedRepository = Listed["data"]["repositories"][number];

export interface Spot {
  readonly installation: InstallationId;
  readonly repository: WalkedRepository;
}

const repositoriesAtOnce = 10;

const Cursor = z.tuple([z.coerce.number().int().min(0), z.coerce.number().int().min(1)]);

/** What `look` finds in the next few repositories, and where to go on. Rejects with `Busy`. `what` is for the log. */
export async function walk<T>(
  options: WalkOptions,
  from: string | undefined,
  { what, look }: { what: string; look: (spot: Spot) => Promise<readonly T[]> },
): Promise<{ found: T[]; next: string | undefined }> {
  const { clients, installations } = options;
  const [at, page] = Cursor.safeParse(from?.split("/")).data ?? [0, 1];
  const number = installations[at];
  if (number === undefined) return { found: [], next: undefined };
  const installation = InstallationId.parse(number);
  const { octokit } = clients.of(installation);
  const orNone = async <U>(about: object, ask: () => Promise<readonly U[]>): Promise<readonly U[]> => {
    try {
      return await ask();
    } catch (error) {
      if (error instanceof Busy) throw error;
      const failure = failureOf(error);
      const isExpected = error instanceof Refusal || (failure !== undefined && isNo(failure));
      if (!isExpected) options.log.warn({ ...about, what, err: error }, "what was missed cannot be looked for");
      return [];
    }
  };
  const repositories = await orNone({ installation }, async () => {
    const ask = { per_page: repositoriesAtOnce, page };
    return (await octokit.rest.apps.listReposAccessibleToInstallation(ask)).data.repositories;
  });
  const found: T[] = [];
  for (const repository of repositories) {
    if (repository.archived) continue;
    const about = { installation, repository: repository.full_name };
    found.push(...(await orNone(about, () => look({ installation, repository }))));
  }
  const isLast = repositories.length < repositoriesAtOnce;
  const nextInstallation = at + 1 < installations.length ? `${at + 1}/1` : undefined;
  return { found, next: isLast ? nextInstallation : `${at}/${page + 1}` };
}
