/** What a command takes to be carried out at a terminal: a repository, a store, an engine. */

/** What is answered without a repository and a store. */
export const readsNothing = (name: string): boolean => ["help", "pricing"].includes(name);

const isBudget = (name: string): boolean => name.split(" ")[0] === "budget";

/** An operator's money is not that of the repository that they stand in. */
export const isOfRepository = (name: string): boolean => !readsNothing(name) && !isBudget(name);

/** What takes an engine to be done, and is followed to its end. */
export const isWork = (name: string): boolean => ["run", "retry", "publish"].includes(name);

/** Ceilings are the service's, wherever it keeps its state; a task of a terminal is in the file of this machine. */
export const isOfService = (name: string, input: object): boolean => isBudget(name) && !("task" in input);
