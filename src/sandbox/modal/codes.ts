/** Codes of gRPC by which Modal says what went wrong. */

export const status = { resourceExhausted: 8, unauthenticated: 16 } as const;

export const hasCode = (error: unknown, code: number): boolean =>
  error instanceof Error && "code" in error && error.code === code;

/** The token itself is refused. */
export const isRejected = (error: unknown): boolean => hasCode(error, status.unauthenticated);
