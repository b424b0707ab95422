import type { Instant } from "./instant.ts";

/**
 * "Not before": the forge asked for a pause, or our own spacing does. Nothing was sent, or what was sent was not done; it is
 * neither a refusal nor a fault, and does not count as a try.
 */
export class Busy extends Error {
  override readonly name = "Busy";
  readonly until: Instant;

  constructor(until: Instant) {
    super(`Nothing may be sent before ${new Date(until).toISOString()}.`);
    this.until = until;
  }
}
