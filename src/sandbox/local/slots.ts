/**
 * Which slots are whose. A slot is a user of the machine and a directory of sockets. Replicas of one service on one
 * machine each have a number and take slots from a range of their own, so that no two give the same slot away.
 */

/** Above the most sandboxes of a service, because a slot is passed over while its user has a process of somebody else's. */
const slotsPerReplica = 2000;

/** Replicas on one machine; the users of all their slots are 32,000. */
export const replicasAtMost = 16;

export const firstSlotOf = (replica: number): number => replica * slotsPerReplica;

export const replicaOf = (slot: number): number => Math.floor(slot / slotsPerReplica);

/** The lowest slot of the replica that is neither given away nor `isTaken`. Throws where there is none. */
export function freeSlot(replica: number, isTaken: (slot: number) => boolean): number {
  const first = firstSlotOf(replica);
  for (let slot = first; slot < first + slotsPerReplica; slot += 1) if (!isTaken(slot)) return slot;
  throw new Error(`All ${slotsPerReplica} users for local sandboxes from slot ${first} on have processes.`);
}
