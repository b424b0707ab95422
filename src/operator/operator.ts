/**
 * What an operator does at a terminal beside the commands that everybody has. Each file here opens what it needs from the
 * configuration; the words and the doing are in `terminal`.
 */
import type { Config } from "../config.ts";
import { deploy } from "./deploy.ts";
import { doctor } from "./doctor.ts";
import { health } from "./health.ts";
import { e2e } from "./e2e.ts";
import { image } from "./image.ts";
import { logs } from "./logs.ts";
import { moveStore } from "./move-store.ts";
import { schedule } from "./schedule.ts";
import { volume } from "./volume.ts";

/** Takes the words behind its name; gives the exit code. Throws a `Refusal` or a `ConfigError` where it cannot be done. */
export type OperatorCommand = (words: readonly string[], config: Config) => Promise<number>;

export const operatorCommands: ReadonlyMap<string, OperatorCommand> = new Map<string, OperatorCommand>([
  ["health", health],
  ["doctor", doctor],
  ["e2e", e2e],
  ["deploy", deploy],
  ["image", image],
  ["logs", logs],
  ["schedule", schedule],
  ["store", moveStore],
  ["volume", volume],
]);
