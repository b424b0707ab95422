/** The end of a job's log. Logs may be of any size, so one is read as it comes and never held whole. */
import type { Octokit } from "@octokit/rest";

const keptBytes = 64 * 1024;
/** Beyond this the end is not waited for. */
const mostBytes = 100 * 1024 * 1024;

/** GitHub answers with an address that lives for a minute, which is followed at once. */
export async function tailOf(octokit: Octokit, repo: { owner: string; repo: string }, job: number): Promise<string> {
  const { data } = await octokit.request("GET /repos/{owner}/{repo}/actions/jobs/{job_id}/logs", {
    ...repo,
    job_id: job,
    request: { parseSuccessResponseBody: false },
  });
  // The client's types do not know that the body comes unread.
  const body: unknown = data;
  return body instanceof ReadableStream ? tailOfStream(body) : "";
}

async function tailOfStream(body: ReadableStream<Uint8Array>): Promise<string> {
  let tail = Buffer.alloc(0);
  let read = 0;
  for await (const chunk of body) {
    read += chunk.byteLength;
    if (read > mostBytes) return "";
    const joined = Buffer.concat([tail, chunk]);
    tail = joined.subarray(Math.max(0, joined.length - keptBytes));
  }
  const text = tail.toString("utf8");
  // The first line was cut, and half a line may mean anything.
  return read > keptBytes ? text.slice(text.indexOf("\n") + 1) : text;
}
