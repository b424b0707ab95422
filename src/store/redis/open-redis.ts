/**
 * The store of many replicas: Upstash Redis over its REST interface. All keys share one hash tag, because a commit may
 * touch any of them, and Upstash runs one script at a time whatever it touches.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Answers, CommitResult, Query, Store } from "../../core/ports/store.ts";
import { plan, wholeMs, type Plan, type PlannedPut } from "../plan.ts";
import { untilClosed } from "../until-closed.ts";
import { openWakes } from "../wake.ts";
import { batches } from "./batches.ts";
import { openScripts, script, type RedisAddress, type Scripts } from "./call-script.ts";
import { answerTo, commitArguments, decided, wireQuery, type Asking, type Look, type Pieces } from "./encode.ts";
import { piecesOf } from "./pieces.ts";
import { subscribe } from "./subscribe.ts";

export interface RedisOptions extends RedisAddress {
  /** Tells this process from the others that share the database: another one for each start. */
  readonly replica: string;
  /** Installations that share a database are told apart by it: printable, without braces; `parhelia` by default. */
  readonly prefix?: string;
  /** A request carries at most about this many characters of values: Upstash takes 10 MB, a character may be three bytes, and JSON escapes some. */
  readonly requestCharacters?: number;
}

const text = (file: string): string => readFileSync(join(import.meta.dirname, file), "utf8");
const scripts = {
  commit: script(text("answer.lua") + text("commit.lua")),
  look: script(text("answer.lua") + text("look.lua")),
};

/** A script holds up everybody else, so it is bounded. */
const commitsPerCall = 64;
const looksPerCall = 64;
/** A piece that no commit has asked for by then is one whose commit was never made. */
const pieceMs = 3_600_000;

export function openRedisStore(options: RedisOptions): Store {
  const { url, token, replica: me, prefix = "parhelia", requestCharacters = 2.5 * 1024 * 1024 } = options;
  const address = { url: url.replace(/\/+$/, ""), token };
  const tag = `{${prefix}}`;
  const calls = openScripts(address);
  const wakes = openWakes(subscribe(address, { channel: `${tag}:wake`, me }));

  const commits = batches<Asking, Done>(
    async (asking) => {
      const plans = asking.map(({ plan }) => plan);
      const pieces = await sendPieces(calls, { tag, plans, most: requestCharacters });
      const all = listOf(await calls.call(scripts.commit, [tag], commitArguments(asking, me, pieces))).map(decided);
      wakes.tell(new Set(plans.flatMap(({ wake }, place) => (isDone(all[place]?.result) ? wake : []))), "here");
      return all.map(({ result, answers }, place) =>
        "fault" in result ? faultOf(plans[place]?.op ?? "", result.fault) : { result, answers },
      );
    },
    {
      most: { count: commitsPerCall, characters: requestCharacters },
      charactersOf: ({ plan }) => plan.characters,
      atOnce: 1,
    },
  );
  const looks = batches<Look, readonly unknown[]>(
    async (asked) => listOf(await calls.call(scripts.look, [tag], [JSON.stringify(asked)])).map(listOf),
    { most: { count: looksPerCall, characters: Infinity }, charactersOf: () => 0, atOnce: 16 },
  );
  return untilClosed({
    async commit(commit, asked) {
      const { result, answers } = await commits.add({ plan: plan(commit), asked: asked.map(wireQuery) });
      return { ...result, answers: answersTo(asked, answers) };
    },
    async look(now, queries) {
      return answersTo(queries, await looks.add({ now: wholeMs(now, "now"), queries: queries.map(wireQuery) }));
    },
    onWake: (listener) => wakes.listen(listener),
    async close() {
      await Promise.all([commits.finish(), looks.finish()]);
      wakes.close();
    },
  });
}

const isDone = (result: CommitResult | { fault: string } | undefined): boolean =>
  result !== undefined && "ok" in result && result.ok;

interface Done {
  readonly result: CommitResult;
  readonly answers: readonly unknown[];
}

function answersTo<const Q extends readonly Query[]>(queries: Q, answers: readonly unknown[]): Answers<Q> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the mapped type cannot be built member by member; `answerTo` gives each query what `AnswerTo` says.
  return queries.map((query, place) => answerTo(query, answers[place])) as Answers<Q>;
}

/** A commit that is too long for one request by itself: its long values go ahead, in pieces, and it names them. */
async function sendPieces(
  calls: Scripts,
  { tag, plans, most }: { tag: string; plans: readonly Plan[]; most: number },
): Promise<Pieces> {
  const sent = new Map<PlannedPut, readonly string[]>();
  for (const { op, puts, characters } of plans) {
    if (characters <= most) continue;
    for (const [place, put] of puts.entries()) {
      if (put.value === undefined) continue;
      const names: string[] = [];
      for (const piece of piecesOf(put.value, most)) {
        const name = `${op}/${place}/${names.length}`;
        await calls.set(`${tag}:piece:${name}`, piece, pieceMs);
        names.push(name);
      }
      sent.set(put, names);
    }
  }
  return sent;
}

const faultOf = (op: string, why: string): Error =>
  new Error(`operation ${op} was not done and has written nothing: ${why}`);

function listOf(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new Error("the answer of a script cannot be read");
}
