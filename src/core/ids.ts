/**
 * Names of things. Each is a branded string or number, so that one cannot be handed over for another.
 * Ids are made by the `Ids` port and never contain anything a person typed.
 */
import { z } from "zod";

export const TaskId = z
  .string()
  .regex(/^t_[0-9a-z]{8}$/)
  .brand("TaskId");
export type TaskId = z.output<typeof TaskId>;

/** `<task>-<n>`, n from 1: the n-th try at a task. */
export const AttemptId = z
  .string()
  .regex(/^t_[0-9a-z]{8}-[1-9][0-9]*$/)
  .brand("AttemptId");
export type AttemptId = z.output<typeof AttemptId>;

/** The name that a sandbox bears at its backend: at most 64 of `[A-Za-z0-9._-]` (a limit of Modal's). */
export const SandboxName = z
  .string()
  .regex(/^parhelia-t_[0-9a-z]{8}-[1-9][0-9]*$/)
  .brand("SandboxName");
export type SandboxName = z.output<typeof SandboxName>;

/** A full commit id, 40 or 64 hexadecimal digits. */
export const Sha = z
  .string()
  .regex(/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/)
  .brand("Sha");
export type Sha = z.output<typeof Sha>;

export const InstallationId = z.int().positive().brand("InstallationId");
export type InstallationId = z.output<typeof InstallationId>;

/** `X-GitHub-Delivery`; the same on a redelivery. */
export const DeliveryId = z.string().min(1).max(100).brand("DeliveryId");
export type DeliveryId = z.output<typeof DeliveryId>;

export const attemptId = (task: TaskId, number: number): AttemptId => AttemptId.parse(`${task}-${number}`);

export const sandboxName = (attempt: AttemptId): SandboxName => SandboxName.parse(`parhelia-${attempt}`);

/** The attempt whose sandbox bears this name, or undefined when the name is not one of ours. */
export function attemptOfSandbox(name: string): AttemptId | undefined {
  return SandboxName.safeParse(name).success ? AttemptId.parse(name.slice("parhelia-".length)) : undefined;
}

export const taskOfAttempt = (attempt: AttemptId): TaskId => TaskId.parse(attempt.slice(0, "t_".length + 8));
