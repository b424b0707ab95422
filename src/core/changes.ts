/** The result of an attempt as a set of changed files, put together from the manifest and checked before anything is sent. */
import { bounds, type FileMode, type ManifestEntry } from "./protocol.ts";
import type { AttemptTokens } from "./ports/clock.ts";
import type { Forge } from "./ports/forge.ts";
import { secretFinder } from "./redact.ts";
import { Refusal } from "./refusal.ts";
import { readPath, shownPath } from "./paths.ts";

export type Put = { readonly path: string; readonly mode: FileMode; readonly content: Buffer };
export type Changes = {
  readonly puts: readonly Put[];
  /** Paths. */
  readonly deletes: readonly string[];
};

/** Throws a `Refusal` for a path, a size or an order of entries that the runner would never have sent. */
export async function readChanges(entries: AsyncIterable<ManifestEntry>): Promise<Changes> {
  const open = new Map<string, { mode: FileMode; pieces: Buffer[]; announced: number }>();
  const deletes = new Set<string>();
  let current: { pieces: Buffer[] } | undefined;
  let totalBytes = 0;

  const piece = (content: string): Buffer => {
    const bytes = Buffer.from(content, "base64");
    totalBytes += bytes.length;
    if (totalBytes > bounds.resultBytes) throw new Refusal(`The result has more than ${bounds.resultBytes} bytes.`);
    return bytes;
  };
  for await (const entry of entries) {
    if (entry.do === "more") {
      if (current === undefined) throw new Refusal("The result is damaged: a piece of a file came before the file.");
      current.pieces.push(piece(entry.content));
      continue;
    }
    const path = readPath(entry.path);
    if (entry.do === "delete") {
      open.delete(path);
      deletes.add(path);
      current = undefined;
    } else {
      deletes.delete(path);
      const opened = { mode: entry.mode, pieces: [piece(entry.content)], announced: entry.bytes };
      open.set(path, opened);
      current = opened;
    }
    if (open.size + deletes.size > bounds.changedFiles)
      throw new Refusal(`The result changes more than ${bounds.changedFiles} files.`);
  }
  const puts = [...open].map(([path, { mode, pieces, announced }]) =>
    finished(path, mode, Buffer.concat(pieces), announced),
  );
  return { puts, deletes: [...deletes] };
}

function finished(path: string, mode: FileMode, content: Buffer, announced: number): Put {
  if (content.length !== announced)
    throw new Refusal(`The result is damaged: ${shownPath(path)} has ${content.length} bytes of ${announced}.`);
  if (content.length > bounds.fileBytes)
    throw new Refusal(`${shownPath(path)} has more than ${bounds.fileBytes} bytes.`);
  if (mode === "160000" && !/^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(content.toString("latin1")))
    throw new Refusal(`The result is damaged: ${shownPath(path)} is a submodule without a commit.`);
  return { path, mode, content };
}

/** A whole secret, escaped twice, is shorter: it is found where two pieces of a file meet. */
const overlapCharacters = 8 * 1024;
/** Small pieces are looked at together, or the overlap would be read again for each. */
const lookedAtBytes = 256 * 1024;

/**
 * The same entries. Throws a `Refusal` that names the file when one holds a secret, in its content or its name, at the latest
 * after the last entry. The file is not redacted, as it would then be another file than the one that was tested.
 */
export async function* withoutSecrets(
  entries: AsyncIterable<ManifestEntry>,
  holdsSecret: (latin1: string) => boolean,
): AsyncGenerator<ManifestEntry> {
  let path = "";
  let before = "";
  let pieces: Buffer[] = [];
  let bytes = 0;
  const look = (): void => {
    const text = before + Buffer.concat(pieces).toString("latin1");
    if (holdsSecret(text)) throw new Refusal(`${shownPath(path)} ${secretWords}`);
    before = text.slice(-overlapCharacters);
    pieces = [];
    bytes = 0;
  };
  for await (const entry of entries) {
    if (entry.do !== "more") {
      look();
      before = "";
      const name = Buffer.from(entry.path, "base64");
      if (holdsSecret(name.toString("latin1"))) throw new Refusal(`The name of a file ${secretWords}`);
      path = name.toString("utf8");
    }
    if (entry.do !== "delete") {
      const piece = Buffer.from(entry.content, "base64");
      pieces.push(piece);
      bytes += piece.length;
      if (bytes >= lookedAtBytes) look();
    }
    yield entry;
  }
  look();
}

const secretWords =
  "holds a secret of this service or a token that it works with, so nothing was published. Take it out of the file and ask again; the operator of this service should replace it.";

/** Publishes nothing that holds one of these secrets, or the token of an attempt. */
export function withSecretsKept(
  forge: Forge,
  known: { readonly secrets: readonly string[]; readonly tokens: AttemptTokens },
): Forge {
  const isOurs = (token: string): boolean => known.tokens.verify(token) !== undefined;
  return {
    ...forge,
    publish(request) {
      const { attempt } = request.view;
      const own = attempt === undefined ? [] : [known.tokens.issue(attempt.id)];
      const holdsSecret = secretFinder([...known.secrets, ...own], isOurs);
      return forge.publish({ ...request, changes: () => withoutSecrets(request.changes(), holdsSecret) });
    },
  };
}

export const changedPaths = ({ puts, deletes }: Changes): string[] => [...puts.map(({ path }) => path), ...deletes];

/** True where a file takes the place of a folder or the other way round: then removal has to come first. */
export function hasPlaceSwap({ puts, deletes }: Changes): boolean {
  const above = new Set<string>();
  for (const { path } of puts) for (const folder of foldersOf(path)) above.add(folder);
  const placed = new Set(puts.map(({ path }) => path));
  return deletes.some((path) => above.has(path) || foldersOf(path).some((folder) => placed.has(folder)));
}

function foldersOf(path: string): string[] {
  const parts = path.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
