/** Our own answers in the error shape of the Messages API, so that the agent shows their text to the person. */
import { retryAfterSeconds } from "../shares.ts";

export type ErrorType =
  | "invalid_request_error"
  | "authentication_error"
  | "billing_error"
  | "permission_error"
  | "not_found_error"
  | "request_too_large"
  | "rate_limit_error"
  | "api_error";

/** A "no" to one call: its status and type decide whether the agent tries again. */
export interface No {
  readonly status: 400 | 401 | 402 | 403 | 404 | 413 | 429 | 502 | 503;
  readonly type: ErrorType;
  readonly message: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The agent waits as told and tries again. */
export const tooMuch: No = {
  status: 429,
  type: "rate_limit_error",
  message: "This task has too many model calls under way, or too large ones. Try again when one has ended.",
  headers: { "retry-after": retryAfterSeconds },
};

export const answerNo = (no: No): Response =>
  Response.json(
    { type: "error", error: { type: no.type, message: no.message } },
    { status: no.status, headers: no.headers ?? {} },
  );

export const invalid = (message: string): No => ({ status: 400, type: "invalid_request_error", message });

export const notFound: No = {
  status: 404,
  type: "not_found_error",
  message: "This address is not part of the model calls that Parhelia lets through.",
};
