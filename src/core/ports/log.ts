/** One wide line for each unit of work. Values are plain facts; secrets and texts from outside stay out. */
export interface Log {
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  /** `err` among the facts is the cause. */
  error(facts: object, message: string): void;
}
