/** What is run inside a sandbox of the live image to see whether tasks would have what they need, and what its answers mean. */
import { keptPath } from "../../core/boot.ts";
import { failed, ok, type Seen } from "../../core/checkup.ts";
import type { Claude } from "../../core/health.ts";
import { visible } from "../../core/markdown.ts";

export interface Answer {
  readonly exitCode: number;
  /** Of both outputs. */
  readonly output: string;
}

/** The root of the volume. */
export const volumePath = keptPath;

export const claudeProbe = ["sh", "-c", "{ command -v claude && claude --version; } 2>&1"];

/**
 * A path proves nothing, for an image can have made it: it is a mount of its own, and keeps what is written. Where Modal mounts
 * elsewhere and leaves a link, the link's end is the mount.
 */
export const volumeProbe = (word: string): string[] => [
  "sh",
  "-c",
  `{ at=$(readlink -f "$0") && mounted=no
while read -r _ point _; do [ "$point" = "$at" ] && mounted=yes; done </proc/mounts
[ $mounted = yes ] || { echo "nothing is mounted at $0"; exit 1; }
probe="$at/.parhelia-health-$1"
echo "$1" >"$probe" && sync && [ "$(cat "$probe")" = "$1" ] && rm "$probe" && echo kept; } 2>&1`,
  volumePath,
  word,
];

/** The runner's own way to the service. */
export const gatewayProbe = (gateway: string): string[] => [
  "sh",
  "-c",
  `node -e '
fetch(process.argv[1], { redirect: "manual", signal: AbortSignal.timeout(15000) })
  .then(async (answer) => {
    console.log(answer.status + " " + (await answer.text()).slice(0, 200));
  })
  .catch((error) => {
    console.log("no answer: " + (error.cause?.code ?? error.cause?.message ?? error.message));
    process.exitCode = 1;
  });
' "$0" 2>&1`,
  `${gateway}/healthz`,
];

const said = ({ output }: Answer): string =>
  output === "" ? "nothing" : `“${visible(output.replaceAll(/\s+/g, " ")).slice(0, 200)}”`;

export function claudeSeen(answer: Answer, image: string): { seen: Seen; claude: Claude } {
  const [path = "", told = ""] = answer.output.split("\n").map((line) => line.trim());
  const version = /^\d+\.\d+\.\d+\S*/.exec(told)?.[0] ?? null;
  if (answer.exitCode === 0 && version !== null) {
    return { seen: ok(`Claude Code ${version} at ${path}`), claude: { version, path, error: null } };
  }
  const error = answer.output === "" ? "claude: not found" : visible(answer.output).slice(0, 500);
  return {
    seen: failed(
      `In a sandbox of ${image}, \`claude --version\` ended with ${answer.exitCode} and said ${said(answer)}.`,
      "Go back to the image before (parhelia image rollback), or build another one and make it live (parhelia image build --force, parhelia image promote TAG).",
    ),
    claude: { version: null, path: path.startsWith("/") ? path : null, error },
  };
}

/** `isThere`: whether the account has the volume. */
export function volumeSeen(answer: Answer, { volume, isThere }: { volume: string; isThere: boolean }): Seen {
  if (answer.exitCode === 0 && answer.output === "kept")
    return ok(`${volume} is mounted at ${volumePath} and keeps what is written`);
  if (!isThere) return failed(`Modal has no volume ${volume}.`, noVolumeCure(volume));
  return failed(
    `The volume ${volume} does not keep what a sandbox writes: it said ${said(answer)}.`,
    `Look at it on Modal (https://modal.com/storage): it may be full. Another one: modal.volume.`,
  );
}

const noVolumeCure = (volume: string): string =>
  `Make it (modal volume create ${volume}), or name one that is there (modal.volume).`;

export function gatewaySeen(answer: Answer, gateway: string): Seen {
  if (answer.exitCode === 0 && /^200 \{"status":"ok"\}$/.test(answer.output.trim()))
    return ok(`a sandbox reaches this service at ${gateway}`);
  return failed(
    `From a sandbox, ${gateway}/healthz gave ${said(answer)}.`,
    "Start the service (parhelia serve), let what listens at server.public_url pass everything on to server.port, and write there the address that the internet knows.",
  );
}
