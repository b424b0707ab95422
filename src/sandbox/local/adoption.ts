/**
 * Sandboxes of a replica that died and does not come back: their doors are closed, so what they did would be lost. A
 * living replica that is asked for one of them takes the dead one's number and opens the doors of all.
 */
import type { SandboxName } from "../../core/ids.ts";
import type { Door } from "./doors.ts";
import type { Isolation } from "./isolation.ts";

/** Holds a replica's number; undefined where its process lives. */
export type TakeNumber = (replica: number) => { release(): void } | undefined;

export interface Adoption {
  /** Opens the doors of the sandbox, where its replica is dead. */
  adopt(name: SandboxName): Promise<void>;
  /** Gives back the numbers that have no living sandbox. */
  giveBack(): Promise<void>;
  /** Gives back all, after their doors were closed. */
  end(): void;
}

export function openAdoption(isolated: Isolation, { own, take }: { own: number; take: TakeNumber }): Adoption {
  const adopted = new Map<number, { number: { release(): void }; door: Promise<Door> }>();
  return {
    async adopt(name) {
      const maker = isolated.makerOf(name);
      if (maker === undefined || maker === own || adopted.has(maker)) return;
      const number = take(maker);
      if (number === undefined) return;
      const door = isolated.adopt(maker);
      adopted.set(maker, { number, door });
      try {
        await door;
      } catch (error) {
        adopted.delete(maker);
        number.release();
        throw error;
      }
    },
    async giveBack() {
      for (const [maker, { number, door }] of adopted) {
        if (isolated.living().some(({ name }) => isolated.makerOf(name) === maker)) continue;
        adopted.delete(maker);
        await (await door).close();
        number.release();
      }
    },
    end() {
      for (const { number } of adopted.values()) number.release();
      adopted.clear();
    },
  };
}
