/** The images as an operator or a program reads them. */
import type { Instant } from "../core/instant.ts";
import { plainLine, visible } from "../core/markdown.ts";
import { nameHint } from "../core/nearest.ts";
import { Refusal } from "../core/refusal.ts";
import type { ImageRecord } from "../records/images.ts";
import { forTerminal } from "./words.ts";

/** What is published to start from. Beside its id only what is known here. */
export interface Live {
  readonly imageId: string;
  readonly tag: string | undefined;
  readonly at: Instant | undefined;
  readonly by: string | undefined;
}

interface Everything {
  readonly images: readonly ImageRecord[];
  readonly live: Live | undefined;
  /** Name of what is started. */
  readonly published: string;
}

const iso = (at: Instant): string => new Date(at).toISOString();
const minute = (at: Instant): string => `${iso(at).slice(0, 16).replace("T", " ")} UTC`;

const forProgram = (record: ImageRecord, live: Live | undefined) => ({
  tag: record.tag,
  image_id: record.imageId,
  live: record.imageId === live?.imageId,
  claude_code: record.claudeCode,
  node: record.node,
  base: record.base,
  built_at: iso(record.builtAt),
  built_by: record.builtBy,
  smoke: { at: iso(record.smoke.at), ...record.smoke.found },
});

const liveForProgram = ({ imageId, tag, at, by }: Live) => ({
  image_id: imageId,
  tag: tag ?? null,
  since: at === undefined ? null : iso(at),
  by: by ?? null,
});

const json = (value: object): string => JSON.stringify(value, null, 2);

export function listed({ images, live, published }: Everything, as: "words" | "json"): string {
  if (as === "json") {
    return json({
      name: published,
      live: live === undefined ? null : liveForProgram(live),
      images: images.map((each) => forProgram(each, live)),
    });
  }
  const rows = images.map((each) => [
    each.tag,
    each.claudeCode,
    each.node,
    minute(each.builtAt),
    each.imageId,
    each.imageId === live?.imageId ? "live" : "",
  ]);
  const table = ["| tag | Claude Code | Node.js | built | image | |", "|---|---|---|---|---|---|"].concat(
    rows.map((cells) => `| ${cells.map(plainLine).join(" | ")} |`),
  );
  const head = images.length === 0 ? "No image was built yet: parhelia image build" : forTerminal(table.join("\n"));
  return `${head}\n\n${liveLine(live, published)}`;
}

function liveLine(live: Live | undefined, published: string): string {
  if (live === undefined) return `Nothing is ${published} yet: parhelia image promote TAG`;
  const { imageId, tag, at, by } = live;
  const what = tag === undefined ? `${imageId}, which was not built from here` : `${tag} (${imageId})`;
  const since = at === undefined || by === undefined ? "" : `, since ${minute(at)} by ${by}`;
  return `${published} is ${what}${since}.`;
}

/** Throws a `Refusal` where it is not known. */
export function shown(
  { images, live, published }: Everything,
  { which, as }: { which: string | undefined; as: "words" | "json" },
): string {
  const wanted = which ?? live?.imageId;
  if (wanted === undefined) throw new Refusal(liveLine(undefined, published));
  const record = images.find(({ tag, imageId }) => tag === wanted || imageId === wanted);
  if (record === undefined) {
    const known = images.map(({ tag }) => tag);
    throw new Refusal(
      which === undefined
        ? `${liveLine(live, published)} More is not known here of it.`
        : `No image ${which} was built here.${nameHint(which, known)} All of them: parhelia image list`,
    );
  }
  if (as === "json") return json(forProgram(record, live));
  const { found, at } = record.smoke;
  const lines = [
    ["tag", record.tag],
    ["image", record.imageId],
    ["live", record.imageId === live?.imageId ? `yes, as ${published}` : "no"],
    ["Claude Code", record.claudeCode],
    ["Node.js", record.node],
    ["base", record.base],
    ["built", `${minute(record.builtAt)} by ${record.builtBy}`],
    ["tried", minute(at)],
    ...Object.entries(found).map(([probe, output]) => [`  ${probe}`, output === "" ? "works" : visible(output ?? "")]),
  ];
  return lines.map(([key = "", value = ""]) => `${key.padEnd(13)}${value}`).join("\n");
}
