/** One thing that has to be true at the end, looked up where it can be seen from outside. */
export interface Check {
  readonly holds: boolean;
  /** What holds, or should. */
  readonly claim: string;
  /** What was found where it does not hold. */
  readonly found: string;
}
