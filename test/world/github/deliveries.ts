/**
 * Webhook deliveries: made by every change of state, held until a test lets them go, signed as GitHub signs.
 * Nothing is sent behind a test's back, so that every order, loss and repetition can be played.
 */
import { createHmac } from "node:crypto";
import { limits } from "./limits.ts";

export type Delivery = {
  /** `X-GitHub-Delivery`; the same on a redelivery. */
  readonly guid: string;
  readonly event: string;
  readonly action: string | undefined;
  readonly hook: "app" | "organization";
  readonly installationId: number | undefined;
  readonly repositoryId: number | undefined;
  /** The body, as it will be sent byte for byte. */
  readonly payload: string;
  readonly isRedelivery: boolean;
};

/** One try. `status` is 0 where no answer came. */
export type Attempt = {
  readonly id: number;
  readonly delivery: Delivery;
  readonly at: number;
  readonly status: number;
  readonly answer: string;
};

export type Deliveries = {
  /** In the order in which they would be sent. */
  pending(): readonly Delivery[];
  attempts(): readonly Attempt[];
  /** Sends one of the pending ones, the first unless told. Rejects when it is not pending or there is no target. */
  deliver(one?: Delivery): Promise<Attempt>;
  /** Sends all, those too that arise meanwhile, in order. */
  deliverAll(): Promise<Attempt[]>;
  /** Loses one, the first unless told: `failed` is listed as such by GitHub and can be asked for again, `lost` leaves no trace. */
  drop(one?: Delivery, how?: "failed" | "lost"): Delivery;
  /** Puts a delivery at the end of the queue again, with the same guid. */
  repeat(one: Delivery): Delivery;
  /** Another order, which follows from the seed. */
  shuffle(seed: number): void;
  /** From now on everything is sent by itself, what is pending first. */
  autoDeliver(): void;
  /** Resolves when everything that was sent by itself has been answered. */
  settled(): Promise<void>;
};

/** A function that takes the signed request, or an address to post it to. */
export type DeliverTarget = ((request: Request) => Promise<Response>) | string;

/** The stand-in's own side of it. */
export type DeliveryQueue = Deliveries & {
  add(delivery: Delivery): void;
  target: DeliverTarget | undefined;
};

export type DeliveryMaker = {
  readonly now: () => number;
  /** Attempts are numbered. */
  readonly nextAttempt: () => number;
  readonly digits: (label: string, length: number) => string;
  readonly appId: number;
  /** Signs what goes out, also what was made before it was changed. */
  readonly secret: () => string;
  readonly mode: "held" | "auto";
};

function signedRequest(maker: DeliveryMaker, delivery: Delivery, url: string): Request {
  const sign = (hash: string): string =>
    `${hash}=${createHmac(hash, maker.secret()).update(delivery.payload).digest("hex")}`;
  const target = delivery.hook === "app" ? ["integration", maker.appId] : ["organization", 1];
  return new Request(url, {
    method: "POST",
    body: delivery.payload,
    headers: {
      accept: "*/*",
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/0000000",
      "x-github-delivery": delivery.guid,
      "x-github-event": delivery.event,
      "x-github-hook-id": delivery.hook === "app" ? "300001" : "300002",
      "x-github-hook-installation-target-id": String(target[1]),
      "x-github-hook-installation-target-type": String(target[0]),
      "x-hub-signature": sign("sha1"),
      "x-hub-signature-256": sign("sha256"),
    },
  });
}

async function post(
  maker: DeliveryMaker,
  delivery: Delivery,
  target: DeliverTarget,
): Promise<Pick<Attempt, "status" | "answer">> {
  const request = signedRequest(maker, delivery, typeof target === "string" ? target : "http://parhelia.test/webhook");
  try {
    const response = await (typeof target === "string" ? fetch(request) : target(request));
    return { status: response.status, answer: await response.text() };
  } catch (error) {
    // A hook that cannot be reached is GitHub's everyday: it is listed as failed and not tried again.
    return { status: 0, answer: String(error) };
  }
}

/** Numbers by which pending deliveries are put into another order. */
const drawn = (maker: DeliveryMaker, seed: number, place: number): string =>
  maker.digits(`shuffle ${seed} ${place}`, 16);

export function openDeliveries(maker: DeliveryMaker): DeliveryQueue {
  let pending: Delivery[] = [];
  const attempts: Attempt[] = [];
  let isAuto = maker.mode === "auto";
  let chain: Promise<unknown> = Promise.resolve();

  const take = (wanted: Delivery | undefined): Delivery => {
    const taken = wanted === undefined ? pending[0] : pending.find((each) => each === wanted);
    if (taken === undefined) throw new Error(`that delivery is not pending; ${pending.length} are`);
    pending = pending.filter((each) => each !== taken);
    return taken;
  };
  const note = (delivery: Delivery, status: number, answer: string): Attempt => {
    const attempt = { id: maker.nextAttempt(), delivery, at: maker.now(), status, answer };
    attempts.push(attempt);
    return attempt;
  };
  const send = async (one: Delivery | undefined): Promise<Attempt> => {
    const { target } = queue;
    if (target === undefined) throw new Error("deliveries have no target; set `github.target`");
    const delivery = take(one);
    const { status, answer } = await post(maker, delivery, target);
    return note(delivery, status, answer);
  };
  const sendOneLater = (): void => {
    chain = chain.then(() => (pending.length > 0 && queue.target !== undefined ? queue.deliver() : undefined));
  };
  const queue: DeliveryQueue = {
    target: undefined,
    pending: () => [...pending],
    attempts: () => [...attempts],
    add(delivery) {
      if (Buffer.byteLength(delivery.payload) > limits.webhookBytes) return;
      pending.push(delivery);
      if (isAuto) sendOneLater();
    },
    deliver: send,
    async deliverAll() {
      const sent: Attempt[] = [];
      while (pending.length > 0) sent.push(await queue.deliver());
      return sent;
    },
    drop(one, how = "failed") {
      const dropped = take(one);
      if (how === "failed") note(dropped, 0, "dropped");
      return dropped;
    },
    repeat(one) {
      const again = { ...one, isRedelivery: true };
      queue.add(again);
      return again;
    },
    shuffle(seed) {
      const placed = pending.map((delivery, place) => ({ delivery, by: drawn(maker, seed, place) }));
      pending = placed.sort((one, other) => (one.by < other.by ? -1 : 1)).map((each) => each.delivery);
    },
    autoDeliver() {
      isAuto = true;
      for (const _ of pending) sendOneLater();
    },
    async settled() {
      // What one delivery sets off may add the next one behind it.
      for (let seen = chain; ; seen = chain) {
        await seen;
        if (seen === chain) return;
      }
    },
  };
  return queue;
}
