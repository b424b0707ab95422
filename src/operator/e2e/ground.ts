/** The account as a run sees it: what it makes there, by name, what that costs, and the end of all of it. */
import { attemptId, sandboxName, TaskId, type SandboxName } from "../../core/ids.ts";
import { minuteMs } from "../../core/instant.ts";
import { computePerHour, type ComputePrices } from "../../core/compute-prices.ts";
import { computePrice } from "../../core/pricing.ts";
import { plus, type MicroUsd } from "../../core/money.ts";
import type { Resources } from "../../core/ports/sandboxes.ts";
import { openHands, type ModalHand, type HandSpec } from "../../sandbox/modal/by-hand.ts";
import { lookAtModal } from "../../sandbox/modal/health.ts";
import { openModalImages } from "../../sandbox/modal/images.ts";
import type { Account } from "../../sandbox/modal/modal-client.ts";
import { openModalSandboxes } from "../../sandbox/modal/open-modal-sandboxes.ts";
import { reachOf } from "../../sandbox/modal/reach.ts";
import { small, type Asked, type Ground } from "./step.ts";

export interface GroundParts extends Pick<
  Ground,
  "claudeCode" | "runner" | "places" | "clock" | "signal" | "tell" | "run"
> {
  readonly account: Account;
  /** As published where they are left out. */
  readonly prices?: ComputePrices | undefined;
}

export interface OpenedGround extends Ground {
  cost(): MicroUsd;
  /** Ends all that this run made. Answers what is left all the same, in words. */
  end(): Promise<string | undefined>;
  close(): void;
}

/** Longer than any step, shorter than the whole run. */
const lifetimeMs = 10 * minuteMs;
/** Of the names of an app of a run's own, which is none of the service's: there it would be taken for one that was forgotten. */
export const appOf = (app: string): string => `${app.slice(0, 60)}-e2e`;

/** `.invalid` is nobody's: sandboxes report to nothing here. */
const gateway = "https://gateway.invalid";

export async function openGround(parts: GroundParts): Promise<OpenedGround> {
  const { run, clock } = parts;
  const account = { ...parts.account, app: appOf(parts.account.app) };
  const image = `${account.app}:${run}`;
  const hands = openHands(account);
  const images = openModalImages(account);
  const network = { network: "none", gateway, hosts: [] } as const;
  const sandboxes = await openModalSandboxes({ ...account, ...network, image, regions: [], clock });
  const meter = openMeter(parts);
  let imageId: string | undefined;
  let names = 0;
  const nextName = (): SandboxName => sandboxName(attemptId(TaskId.parse(`t_${run}`), (names += 1)));
  const byHand = async <T>(asked: Asked, use: (sandbox: ModalHand) => Promise<T>): Promise<T> =>
    meter.metered(small, async () => {
      const sandbox = await hands.start(specOf(asked, { image, name: nextName(), run }));
      try {
        return await use(sandbox);
      } finally {
        await sandbox.end();
      }
    });
  return {
    ...parts,
    image,
    images,
    hands,
    sandboxes,
    nextName,
    metered: meter.metered,
    byHand,
    async look() {
      const options = {
        ...account,
        ...network,
        image,
        volume: `${account.app}-${run}`,
        regions: [],
        clock,
        unique: run,
      };
      return (await meter.metered({ cpu: 1, memoryMiB: 1024 }, () => lookAtModal(options))).seen;
    },
    built: (id) => (imageId = id),
    imageId() {
      if (imageId === undefined) throw new Error("No image was built.");
      return imageId;
    },
    cost: meter.sum,
    async end() {
      const left: string[] = [];
      const sure = async (what: string, end: () => Promise<void>): Promise<void> =>
        end().catch((error: unknown) => void left.push(`${what} is left: ${String(error)}`));
      const living = await sandboxes.list();
      for (const { name } of living) if (name.includes(run)) await sure(name, () => sandboxes.end(name));
      const built = imageId;
      if (built !== undefined) await sure(`the image ${built}`, () => hands.deleteImage(built));
      return left.length === 0 ? undefined : left.join("; ");
    },
    close() {
      hands.close();
      images.close();
      sandboxes.close();
    },
  };
}

/** With the tags of the service's own, by which a later run finds what this one left, and the run's. */
function specOf(
  { network, volumes, secret }: Asked,
  { image, name, run }: { image: string; name: SandboxName; run: string },
): HandSpec {
  const { hosts, network: kind } = network ?? { network: "none", hosts: [] };
  return {
    name,
    tags: { parhelia: "sandbox", "parhelia-sandbox": name, "parhelia-e2e": run },
    image,
    resources: small,
    lifetimeMs,
    reach: reachOf({ network: kind, hosts, gateway }, {}),
    ...(volumes === undefined ? {} : { volumes }),
    ...(secret === undefined ? {} : { secret }),
  };
}

/** From before a sandbox is asked for until after its end, so never less than Modal bills. */
function openMeter({ clock, prices }: Pick<GroundParts, "clock" | "prices">) {
  let spent: MicroUsd[] = [];
  return {
    sum: (): MicroUsd => plus(...spent),
    async metered<T>(resources: Resources, use: () => Promise<T>, from = clock.now()): Promise<T> {
      try {
        return await use();
      } finally {
        spent = [...spent, computePrice(computePerHour(resources, prices), clock.now() - from)];
      }
    },
  };
}
