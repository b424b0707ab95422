/** What a task keeps of the machine that its sandbox waits for. */
import { z } from "zod";
import { Instant } from "./instant.ts";

/** A machine that is not free yet: what is asked for now, until when, and what comes after it. */
export const Machine = z.object({
  /** Absent where only CPU and memory are asked for. */
  gpu: z.string().optional(),
  /** Set while the image is built that its sandbox starts from. */
  building: z.literal(true).optional(),
  until: Instant,
  /** GPUs that are asked for then, each for its share of the time that is left. */
  next: z.array(z.string()),
  giveUpAt: Instant,
});
export type Machine = z.output<typeof Machine>;
