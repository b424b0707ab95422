/** The acts of the demonstration. */
import type { Act } from "./act.ts";
import { failure } from "./failure.ts";
import { label } from "./label.ts";

/** In the order in which they are played. */
export const acts: readonly Act[] = [label, failure];
