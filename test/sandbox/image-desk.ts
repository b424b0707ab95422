/** An operator's terminal for images of Modal's, over an account that all tests of a file share. */
import { afterAll, expect, onTestFinished } from "vitest";
import { Instant } from "../../src/core/instant.ts";
import { listEvents } from "../../src/records/events.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { imageCommand, type ImageWorld } from "../../src/terminal/image.ts";
import { imageWords } from "../../src/terminal/image-words.ts";
import { needs } from "../world/needs.ts";
import { openAccount } from "./modal-post.ts";

const { openModalImages } = await import("../../src/sandbox/modal/images.ts");

export const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

export const modal = () => {
  if (account === undefined) throw new Error("there is no account");
  return account;
};

const start = Instant.parse(Date.parse("2026-11-25T22:30:00Z"));
let names = 0;

/** An operator's terminal with a store and a name of its own. */
export function openDesk(changes: Partial<ImageWorld> = {}, token = modal().tokenSecret) {
  const store = openSqliteStore({ path: ":memory:" });
  const name = `parhelia-${(names += 1)}`;
  const said: string[] = [];
  const told: string[] = [];
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const images = openModalImages({
    tokenId: modal().tokenId,
    tokenSecret: token,
    environment: undefined,
    app: name,
    log,
  });
  let minutes = 0;
  let operations = 0;
  const world: ImageWorld = {
    images,
    store,
    clock: { now: () => Instant.parse(start + minutes * 60_000) },
    ids: { unique: () => `operation-${(operations += 1)}` },
    live: { name, tag: "live" },
    environment: undefined,
    claudeCode: "2.1.330",
    by: "dana",
    say: (text) => void said.push(text),
    tell: (line) => void told.push(line),
    ...changes,
  };
  onTestFinished(async () => {
    await modal().faults.clear();
    expect(await modal().living()).toEqual([]);
    images.close();
    await store.close();
  });
  /** Answers what was said; each command is a minute after the one before. */
  const does = async (line: string, more: Partial<ImageWorld> = {}): Promise<string> => {
    const asked = imageWords(line.split(" "));
    if (asked.kind === "wrong") throw new Error(asked.message);
    minutes += 1;
    const before = said.length;
    await imageCommand(asked, { ...world, ...more });
    return said.slice(before).join("\n");
  };
  const live = () => images.idOf(`${name}:live`);
  const idOf = async (tag: string) => (await images.idOf(`${name}:${tag}`)) ?? "none";
  const events = async () =>
    (await listEvents(store, world.clock.now(), { level: "info", limit: 20 })).map(({ event }) => event).toReversed();
  return { name, told, does, live, idOf, events, world };
}
