/** Failures of Modal's that an operator can cure, in words for them. */
import { Refusal } from "../../core/refusal.ts";
import { hasCode, isRejected } from "./codes.ts";

/** Of gRPC. */
const unavailable = 14;

export const newToken =
  "Make a new one (modal token new, or https://modal.com/settings) and set MODAL_TOKEN_ID and MODAL_TOKEN_SECRET.";

export const tokenRejected = (cause: unknown): Refusal =>
  new Refusal(`Modal rejects the token. ${newToken}`, { cause });

/** Throws a `Refusal` for these, and every other failure as it is. */
export async function inWords<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (isRejected(error)) throw tokenRejected(error);
    if (!hasCode(error, unavailable)) throw error;
    throw new Refusal("Modal gives no answer. Try again in a while; its own state: https://status.modal.com", {
      cause: error,
    });
  }
}
