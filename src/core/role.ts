/** What a person may do in a repository, in GitHub's words and order. */
import { z } from "zod";

const ladder = ["none", "read", "triage", "write", "maintain", "admin"] as const;
export const Role = z.enum(ladder);
export type Role = z.output<typeof Role>;

export const permits = (held: Role, needed: Role): boolean => ladder.indexOf(held) >= ladder.indexOf(needed);

/** The same words wherever a right is missing: at a command, and when a task is admitted. `what` is the command. */
export const notPermitted = (no: { what: string; needs: Role; held: Role; where: string }): string =>
  `I can't do that: \`${no.what}\` needs **${no.needs}** access to \`${no.where}\`, and you have ${no.held === "none" ? "none" : `**${no.held}**`}. Somebody with that access can ask for it in a comment of their own.`;
