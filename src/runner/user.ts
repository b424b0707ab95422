/**
 * The user that the work runs as. Where the runner is root and is told of another one, the work cannot read what is the
 * runner's: the attempt's token in its environment, its journal, its memory; nor hold it up or end it.
 */
import { chownSync } from "node:fs";

/** As `spawn` takes it; empty for the runner's own. */
export type User = { uid?: number; gid?: number };

/** Gives a file of the runner's to the work. */
export const give = (path: string, { uid = -1, gid = -1 }: User): void => chownSync(path, uid, gid);
