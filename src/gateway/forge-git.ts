/**
 * The forge's repository for a sandbox that reaches the service alone: git's two calls of a fetch are passed on, with the
 * read-only token of the task's repository, which so stays in the service. Nothing else of the forge is reached by it.
 */
import { pipeline, Readable, PassThrough } from "node:stream";
import type { RepositoryToken } from "../core/protocol.ts";
import type { Share } from "./shares.ts";

export interface ForgeFetch {
  /** The clone address. */
  readonly url: string;
  readonly token: RepositoryToken;
  /** Left when the answer has been read, or nobody reads it any more. */
  readonly share: Share;
  readonly fetch: typeof fetch;
}

const uploadPack = "git-upload-pack";
/** Of git's own; the rest of the sandbox's headers is no business of the forge. */
const carried = ["accept", "accept-encoding", "content-type", "content-encoding", "git-protocol"];

/** What is asked of the forge for one of the two calls; a body makes it the second. */
function asking({ headers, body, signal }: Request, { username, password }: RepositoryToken): RequestInit {
  const own = carried.flatMap((name) => {
    const value = headers.get(name);
    return value === null ? [] : [[name, value] as const];
  });
  const basic = Buffer.from(`${username}:${password}`).toString("base64");
  return {
    method: body === null ? "GET" : "POST",
    headers: Object.fromEntries([...own, ["authorization", `Basic ${basic}`]]),
    // Another place would get the token.
    redirect: "manual",
    signal,
    ...(body === null ? {} : { body, duplex: "half" }),
  };
}

/** Answers as the forge does where it gives the repository, and else with 502, for git to try again. */
export async function fetchFromForge(request: Request, { url, token, share, fetch }: ForgeFetch): Promise<Response> {
  const path = request.body === null ? `info/refs?service=${uploadPack}` : uploadPack;
  const answer = await fetch(`${url}/${path}`, asking(request, token));
  if (answer.status !== 200 || answer.body === null) {
    await answer.body?.cancel();
    share.leave();
    return new Response(`The forge did not give the repository: it answered ${answer.status}.\n`, { status: 502 });
  }
  const through = new PassThrough();
  // A break on either side ends both; who reads sees a broken answer.
  pipeline(Readable.fromWeb(answer.body), through, () => share.leave());
  const type = answer.headers.get("content-type") ?? "";
  return new Response(Readable.toWeb(through), { headers: { "content-type": type, "cache-control": "no-store" } });
}
