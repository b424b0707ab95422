/** What a person may do in a repository, in GitHub's words and order. */
import { z } from "zod";

const ladder = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export const Role = z.enum(ladder);
export type Role = z.output<typeof Role>;

export const permits = (held: Role, needed: Role): boolean => ladder.indexOf(held) >= ladder.indexOf(needed);
