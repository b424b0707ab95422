/** What a failed call to GitHub means, read once from the client's errors: refused, lost on the way, or told to wait. */
import { z } from "zod";
import { Refusal } from "../core/refusal.ts";

const HttpError = z.object({
  name: z.literal("HttpError"),
  status: z.number(),
  message: z.string(),
  response: z.object({ headers: z.record(z.string(), z.unknown()), data: z.unknown() }).optional(),
});
const Said = z.object({
  message: z.string(),
  errors: z.array(z.union([z.string(), z.looseObject({ message: z.string().optional() })])).optional(),
});

export type Failure = {
  /** HTTP status; 0 where no answer came, so that nobody knows whether the work was done. */
  readonly status: number;
  /** GitHub's own words, without addresses of its documentation. */
  readonly message: string;
  readonly headers: Readonly<Record<string, unknown>>;
};

/** The failure of a call, or undefined for any other error. */
export function failureOf(error: unknown): Failure | undefined {
  const parsed = HttpError.safeParse(error);
  if (!parsed.success) return undefined;
  const { status, message, response } = parsed.data;
  if (response === undefined) return { status: 0, message, headers: {} };
  const said = Said.safeParse(response.data);
  const details = (said.data?.errors ?? []).flatMap((each) => (typeof each === "string" ? each : (each.message ?? [])));
  return { status, message: [said.data?.message ?? message, ...details].join(": "), headers: response.headers };
}

/** No answer, or one that leaves open whether the work was done. */
export const isLost = (failure: Failure): boolean => failure.status === 0 || failure.status >= 500;

/** GitHub understood and said no; asking again changes nothing. */
export const isNo = (failure: Failure): boolean => [403, 404, 409, 410, 422].includes(failure.status);

/** Undefined in place of a 404. Any other failure goes on. */
export async function orUndefined<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (failureOf(error)?.status === 404) return undefined;
    throw error;
  }
}

/** A no of GitHub's becomes a refusal that quotes it; rulesets and protected branches explain themselves there. */
export async function orRefusal<T>(what: string, call: Promise<T>): Promise<T> {
  try {
    return await call;
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined || !isNo(failure)) throw error;
    throw new Refusal(`${what}: GitHub answered ${failure.status}, “${failure.message}”`, { cause: error });
  }
}
