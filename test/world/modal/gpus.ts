/** The cards of Modal (modal.md §4 "Types [D]", "N ≤8 (A10 ≤4)"). */
import { invalid } from "./refuse.ts";

/** What a sandbox that was granted it reads inside: its name and its memory. */
const cards: Readonly<Record<string, string>> = {
  T4: "Tesla T4, 15360 MiB",
  L4: "NVIDIA L4, 23034 MiB",
  A10: "NVIDIA A10, 23028 MiB",
  L40S: "NVIDIA L40S, 46068 MiB",
  A100: "NVIDIA A100-SXM4-40GB, 40960 MiB",
  "A100-40GB": "NVIDIA A100-SXM4-40GB, 40960 MiB",
  "A100-80GB": "NVIDIA A100 80GB PCIe, 81920 MiB",
  "RTX-PRO-6000": "NVIDIA RTX PRO 6000 Blackwell Server Edition, 97887 MiB",
  H100: "NVIDIA H100 80GB HBM3, 81559 MiB",
  "H100!": "NVIDIA H100 80GB HBM3, 81559 MiB",
  H200: "NVIDIA H200, 143771 MiB",
  B200: "NVIDIA B200, 183359 MiB",
  "B200+": "NVIDIA B200, 183359 MiB",
};

export interface Gpu {
  readonly type: string;
  readonly count: number;
}

/** A10G is another name of A10. */
const meant = (type: string): string => (type === "A10G" ? "A10" : type);

/** Undefined for none. Throws INVALID_ARGUMENT. */
export function readGpu(
  asked: { gpuType?: string | undefined; count?: number | undefined } | undefined,
): Gpu | undefined {
  const type = meant(asked?.gpuType ?? "");
  if (type === "") return undefined;
  const count = asked?.count ?? 0;
  if (!Object.hasOwn(cards, type)) {
    throw invalid(`Invalid GPU type: ${type}. Supported types are: ${Object.keys(cards).join(", ")}`);
  }
  const most = type === "A10" ? 4 : 8;
  if (!Number.isInteger(count) || count < 1 || count > most) {
    throw invalid(`Invalid GPU count: ${count}. Up to ${most} ${type} GPUs can be attached.`);
  }
  return { type, count };
}

/** The lines of the cards that a sandbox has which was granted this. */
export const cardsOf = ({ type, count }: Gpu): string[] => Array.from({ length: count }, () => cards[type] ?? type);

const none =
  "NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that the latest NVIDIA driver is installed and running.";

/** An `nvidia-smi` that answers `--query-gpu=name,memory.total --format=csv,noheader`, and tells the names when asked for less. */
export function nvidiaSmi(lines: readonly string[]): string {
  if (lines.length === 0) return `#!/bin/sh\necho "${none}"\nexit 9\n`;
  const names = lines.map((line) => line.replace(/,[^,]*$/, ""));
  const tell = (all: readonly string[]): string => all.map((line) => `echo '${line}'`).join("\n");
  return `#!/bin/sh\ncase "$*" in\n*memory.total*)\n${tell(lines)}\n;;\n*)\n${tell(names)}\n;;\nesac\n`;
}
