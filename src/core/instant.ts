/** Points in time. Durations are plain numbers whose names end in `Ms`. */
import { z } from "zod";

/** Milliseconds since 1970, UTC. */
export const Instant = z.number().brand("Instant");
export type Instant = z.output<typeof Instant>;

export const secondMs = 1000;
export const minuteMs = 60 * secondMs;
export const hourMs = 60 * minuteMs;
export const dayMs = 24 * hourMs;

export const after = (instant: Instant, durationMs: number): Instant => Instant.parse(instant + durationMs);

export const earliest = (...instants: Instant[]): Instant => Instant.parse(Math.min(...instants));
