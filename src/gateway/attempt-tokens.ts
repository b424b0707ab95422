/**
 * The token of an attempt: its id and a code that only this service can make for it. Nothing is stored, so nothing can leak
 * from the store; what it opens ends with its attempt, which the gateway looks up at each call.
 */
import { createHmac, timingSafeEqual } from "node:crypto";
import { AttemptId } from "../core/ids.ts";
import type { AttemptTokens } from "../core/ports/clock.ts";

export function attemptTokens(key: string): AttemptTokens {
  const codeOf = (attempt: string): Buffer => createHmac("sha256", key).update(`attempt ${attempt}`).digest();
  return {
    issue: (attempt) => `pa_${attempt}.${codeOf(attempt).toString("base64url")}`,
    verify(token) {
      const match = /^pa_([^.]{1,40})\.([\w-]{43})$/.exec(token);
      const code = codeOf(match?.[1] ?? "");
      const said = Buffer.from(match?.[2] ?? "", "base64url");
      const genuine = said.length === code.length && timingSafeEqual(said, code);
      const attempt = AttemptId.safeParse(match?.[1]);
      return genuine && attempt.success ? attempt.data : undefined;
    },
  };
}
