/**
 * The sockets of the jails. Each jail is shown a directory of its own, whose gateway and proxy no other jail can reach:
 * so the connections that it holds are taken from none but itself, and it can neither forge nor leave out who it is.
 * The directory belongs to the slot and stays, because a jail that outlives the service has it bound in: the next
 * service's sockets appear there.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Network } from "../../core/network.ts";

/** To each of the two sockets. Package managers open up to 50 at a time, an agent and its runner about 20. */
export const connectionsPerSandbox = 128;

/** Where `gateway.sock` and `proxy.sock` are to listen, and the most connections that each may take. */
export interface Doorway {
  readonly directory: string;
  readonly connections: number;
  /** What the jail that is there now may reach of the network that the operator gives; all of it where it is undefined. */
  network(): Network | undefined;
}

export interface Door {
  /** Ends all connections and removes the sockets. */
  close(): Promise<void>;
}

/** Resolves when both sockets listen, with mode 0666. */
export type OpenDoor = (at: Doorway) => Promise<Door>;

export interface SlotDoors {
  directoryOf(slot: number): string;
  /** Makes the directory of a slot, and its sockets where a service is there for them, for a jail with this network. */
  ready(slot: number, network: Network | undefined): Promise<void>;
  /** From now on there is one; `slots` have jails that wait for it. */
  serve(open: OpenDoor, slots: readonly number[]): Promise<Door>;
  /** Opens those of slots beside, until the answer is closed. */
  adopt(slots: readonly number[]): Promise<Door>;
}

export function slotDoors(socketDirectory: string): SlotDoors {
  const doors = new Map<number, Promise<Door>>();
  let opener: OpenDoor | undefined;
  const directoryOf = (slot: number): string => join(socketDirectory, `${slot}`);

  const make = (slot: number): string => {
    const directory = directoryOf(slot);
    mkdirSync(directory, { recursive: true });
    // The slot's user has to reach the sockets through it, whatever the umask is; it need not be able to list it.
    chmodSync(directory, 0o711);
    return directory;
  };

  const openIn = async (slot: number): Promise<void> => {
    const directory = make(slot);
    if (opener === undefined) return;
    const network = (): Network | undefined => readNetwork(directory);
    const door = doors.get(slot) ?? opener({ directory, connections: connectionsPerSandbox, network });
    doors.set(slot, door);
    try {
      await door;
    } catch (error) {
      doors.delete(slot);
      throw error;
    }
  };

  const shut = async (slots: readonly number[]): Promise<void> => {
    const closing = slots.flatMap((slot) => doors.get(slot) ?? []);
    for (const slot of slots) doors.delete(slot);
    await Promise.all((await Promise.all(closing)).map((door) => door.close()));
  };

  return {
    directoryOf,
    async ready(slot, network) {
      keepNetwork(make(slot), network);
      await openIn(slot);
    },
    async adopt(slots) {
      await Promise.all(slots.map(openIn));
      return { close: () => shut(slots) };
    },
    async serve(open, slots) {
      opener = open;
      await Promise.all(slots.map(openIn));
      return {
        async close() {
          opener = undefined;
          await shut([...doors.keys()]);
        },
      };
    },
  };
}

/** In a file, because a jail outlives the service that made it. No other user of the machine's reads it. */
const networkFile = (directory: string): string => join(directory, "network.json");

function keepNetwork(directory: string, network: Network | undefined): void {
  rmSync(networkFile(directory), { force: true });
  if (network !== undefined) writeFileSync(networkFile(directory), JSON.stringify(network), { mode: 0o600 });
}

/** Throws where it cannot be read, and then nothing is reached. */
function readNetwork(directory: string): Network | undefined {
  const path = networkFile(directory);
  return existsSync(path) ? Network.parse(JSON.parse(readFileSync(path, "utf8"))) : undefined;
}
