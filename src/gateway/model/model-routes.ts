/**
 * The model's API as a sandbox sees it. A sandbox holds the token of its attempt and no key; every call is looked
 * through, held against the budget at its worst case, sent with the service's key, and charged by what the API counted.
 * This meter is the only source of charges.
 */
import type { ModelApi } from "../../core/ports/model.ts";
import { Hono } from "hono";
import type { AttemptId } from "../../core/ids.ts";
import type { Instant } from "../../core/instant.ts";
import { afford } from "./afford.ts";
import { readBetas } from "./allowed.ts";
import { answerNo, invalid, notFound, tooMuch, type No } from "./answers.ts";
import type { Log } from "../../core/ports/log.ts";
import { openCharge } from "./charge.ts";
import { openShares, type Share, type Shares } from "../shares.ts";
import { errorBack, passAnswer } from "./pass.ts";
import type { Account, Purse } from "./purse.ts";
import { withMoneyTold } from "./tell-money.ts";
import { readRequest, type ModelRequest, type Purpose } from "./request.ts";
import { headersBack, send, withoutKey } from "./upstream.ts";

export interface ModelDoor {
  /** The attempt that a token belongs to, or undefined. */
  readonly verify: (token: string) => AttemptId | undefined;
  readonly purse: Purse;
  readonly upstream: ModelApi;
  readonly allow: { readonly models: readonly string[] };
  readonly log: Log;
  readonly now: () => Instant;
  /** At least 128 random bits. */
  readonly unique: () => string;
}

/** Calls that hold money now, by attempt. */
export type UnderWay = Map<AttemptId, number>;

/** An agent with its helpers has about ten under way, of at most a few MB each; one of the largest still fits twice. */
const mostOfAnAttempt = { calls: 16, bytes: 64 * 1024 * 1024 };

/** `POST /v1/messages`, `POST /v1/messages/count_tokens` and `HEAD /`; everything else is not found. */
export function modelRoutes(door: ModelDoor, underWay: UnderWay = new Map()): Hono {
  const app = new Hono();
  const shares = openShares(mostOfAnAttempt);
  // Hono answers HEAD by the handler of GET. A page at GET / is another part's.
  app.get("/", (c, next) => (c.req.raw.method === "HEAD" ? Promise.resolve(c.body(null, 200)) : next()));
  app.post("/v1/messages/count_tokens", (c) =>
    enter(door, shares, c.req.raw, (call) => count(door, call).finally(call.share.leave)),
  );
  app.post("/v1/messages", (c) => enter(door, shares, c.req.raw, (call) => answer(door, underWay, call)));
  app.all("/v1/*", () => answerNo(notFound));
  app.notFound(() => answerNo(notFound));
  app.onError((cause, c) => {
    door.log.error(
      { path: c.req.path, cause: withoutKey(door.upstream, cause.stack ?? cause.message) },
      "model call failed",
    );
    return answerNo({ status: 503, type: "api_error", message: "Something broke on our side. Try again." });
  });
  return app;
}

function tokenOf(headers: Headers): string | undefined {
  const bearer = /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  return bearer ?? headers.get("x-api-key") ?? undefined;
}

/** Of an attempt that is known, and within its share. */
interface Call {
  readonly incoming: Request;
  readonly attempt: AttemptId;
  readonly share: Share;
}

/** Before the body is read: what is still to come takes memory too. */
async function enter(
  door: ModelDoor,
  shares: Shares,
  incoming: Request,
  act: (call: Call) => Promise<Response>,
): Promise<Response> {
  const token = tokenOf(incoming.headers);
  const attempt = token === undefined ? undefined : door.verify(token);
  if (attempt === undefined) {
    return answerNo({ status: 401, type: "authentication_error", message: "This is not the token of an attempt." });
  }
  const share = shares.take(attempt);
  if (share === undefined) return answerNo(tooMuch);
  try {
    return await act({ incoming, attempt, share });
  } catch (error) {
    share.leave();
    throw error;
  }
}

interface Admitted {
  readonly account: Account;
  readonly request: ModelRequest;
  readonly betas: readonly string[];
  readonly version: string | undefined;
}

type Admission = { readonly ok: true; readonly admitted: Admitted } | { readonly ok: false; readonly no: No };

async function admit(door: ModelDoor, { incoming, attempt, share }: Call, purpose: Purpose): Promise<Admission> {
  const refuse = (no: No): Admission => ({ ok: false, no });
  const { names, refused } = readBetas(incoming.headers.get("anthropic-beta") ?? undefined);
  if (refused !== undefined) return refuse(invalid(`The beta ${refused.slice(0, 100)} is not let through.`));
  const read = await readRequest(incoming, { purpose, models: door.allow.models, keep: share.keep });
  if (!read.ok) return refuse(read.no);
  // After the body: while it was sent slowly, the attempt may have ended.
  const account = await door.purse.open(attempt);
  if (account === undefined) {
    return refuse({ status: 403, type: "permission_error", message: "This attempt has ended; it may call no model." });
  }
  const version = incoming.headers.get("anthropic-version") ?? undefined;
  return { ok: true, admitted: { account, request: read.request, betas: names, version } };
}

const unreachable: No = { status: 502, type: "api_error", message: "The model's API could not be reached. Try again." };

/** Counting tokens is free, so nothing is held. */
async function count(door: ModelDoor, call: Call): Promise<Response> {
  const admission = await admit(door, call, "count");
  if (!admission.ok) return answerNo(admission.no);
  const { request, betas, version } = admission.admitted;
  const sent = await send(door.upstream, { path: "/v1/messages/count_tokens", body: request.body, betas, version });
  if (!sent.ok) return answerNo(unreachable);
  const body = await sent.response.text();
  if (!sent.response.ok) return errorBack(sent.response, body, door.upstream);
  return new Response(body, { status: sent.response.status, headers: headersBack(sent.response) });
}

async function answer(door: ModelDoor, underWay: UnderWay, call: Call): Promise<Response> {
  const { attempt, share } = call;
  const refuse = (no: No): Response => {
    share.leave();
    return answerNo(no);
  };
  const admission = await admit(door, call, "answer");
  if (!admission.ok) return refuse(admission.no);
  const { account, betas, version } = admission.admitted;
  const request = withMoneyTold(admission.admitted.request, account);
  const id = `${attempt}/model/${door.unique()}`;
  const othersUnderWay = (): number => underWay.get(attempt) ?? 0;
  const afforded = await afford(account, { id, request, othersUnderWay });
  if (!afforded.ok) {
    door.log.info(
      { attempt, model: request.model, status: afforded.no.status, reason: afforded.no.message },
      "model call refused",
    );
    return refuse(afforded.no);
  }
  underWay.set(attempt, othersUnderWay() + 1);
  // With the charge, because the answer of an agent that hung up is still read to its end.
  const ended = (): void => {
    leave(underWay, attempt);
    share.leave();
  };
  const charge = openCharge(
    {
      id,
      attempt,
      model: request.model,
      amount: afforded.held,
      maxOutputTokens: afforded.maxTokens,
      hold: afforded.hold,
    },
    { log: door.log, now: door.now, ended },
  );
  const sent = await send(door.upstream, { path: "/v1/messages", body: afforded.body, betas, version });
  if (!sent.ok) {
    await charge.end({ cost: sent.mayHaveCost ? "unknown" : "none", because: sent.because });
    return answerNo(unreachable);
  }
  try {
    return await passAnswer(sent.response, { upstream: door.upstream, charge, cacheTtl: request.cacheTtl });
  } catch (error) {
    await charge.end({ cost: "unknown", because: "the answer could not be passed on" });
    throw error;
  }
}

function leave(underWay: UnderWay, attempt: AttemptId): void {
  const others = (underWay.get(attempt) ?? 1) - 1;
  if (others > 0) underWay.set(attempt, others);
  else underWay.delete(attempt);
}
