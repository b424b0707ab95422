/** Modal's refusals: a gRPC code and words. The client makes an error of its own of some of them by both. */
import { ServerError, Status } from "nice-grpc";

export const notFound = (words: string): ServerError => new ServerError(Status.NOT_FOUND, words);
export const invalid = (words: string): ServerError => new ServerError(Status.INVALID_ARGUMENT, words);
export const taken = (words: string): ServerError => new ServerError(Status.ALREADY_EXISTS, words);
export const unmet = (words: string): ServerError => new ServerError(Status.FAILED_PRECONDITION, words);
export const exhausted = (words: string): ServerError => new ServerError(Status.RESOURCE_EXHAUSTED, words);
export const denied = (words: string): ServerError => new ServerError(Status.PERMISSION_DENIED, words);
export const unauthenticated = (words: string): ServerError => new ServerError(Status.UNAUTHENTICATED, words);

/** modal.md §3: "Names ≤64 of `[A-Za-z0-9._-]`". The client checks it too, but not for apps, secrets and volumes. */
export function checkName(kind: string, name: string): void {
  if (/^[A-Za-z0-9._-]{1,64}$/.test(name)) return;
  throw invalid(
    `Invalid ${kind} name: '${name}'. Names may contain only alphanumeric characters, dashes, periods, and underscores, and must be shorter than 64 characters.`,
  );
}
