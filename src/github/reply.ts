/** One answer to one command, posted once: before each post the conversation is searched for it. */
import { dayMs, type Instant } from "../core/instant.ts";
import type { Log } from "../core/ports/log.ts";
import { failureOf, isNo } from "./failure.ts";

import { repoOf, replyMarker } from "./place.ts";
import { findComment, type Spot } from "./report/comment.ts";

/** GitHub redelivers what is up to three days old. */
const lookBackMs = 3 * dayMs;
/** Below the 65,536 characters that GitHub takes. */
const mostCharacters = 65_000;

/** Where the conversation is locked or we are blocked, it is logged and given up: nobody there could be told. */
export async function reply(
  spot: Spot,
  given: { marker: string; body: string; now: Instant; log: Log },
): Promise<void> {
  const { octokit, writer, place } = spot;
  const marker = replyMarker(given.marker);
  const body = `${marker}\n${given.body}`.slice(0, mostCharacters);
  try {
    if ((await findComment(spot, marker, given.now - lookBackMs)) !== undefined) return;
    await writer.createNow(() =>
      octokit.rest.issues.createComment({ ...repoOf(place), issue_number: place.number, body }),
    );
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    given.log.warn(
      { repository: place.repository, number: place.number, refused: failure.message },
      "a reply cannot be posted",
    );
  }
}
