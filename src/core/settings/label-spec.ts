/** What a label asks for when somebody puts it on an issue or a pull request. */
import { Named, type Spec, type Work } from "../task.ts";
import type { Label } from "./settings.ts";

/** The text that the label stands on, as untrusted as its author. */
export interface Labelled {
  readonly title: string;
  readonly body: string;
  readonly defaults: Pick<Spec, "timeoutMs" | "budget"> & {
    readonly cpu: number;
    readonly memoryMiB: number;
    readonly model: string | null;
  };
}

/** The spec with the operator's defaults; it names what the label says itself. */
export function labelSpec(label: Label, on: Labelled): Spec {
  const { defaults } = on;
  const gpu = label.gpu?.join(",");
  return {
    work: workOf(label, on),
    timeoutMs: label.timeout ?? defaults.timeoutMs,
    budget: label.budget ?? defaults.budget,
    resources: {
      cpu: label.cpu ?? defaults.cpu,
      memoryMiB: label.memory ?? defaults.memoryMiB,
      ...(gpu === undefined ? {} : { gpu }),
    },
    ...(label.max_wait === undefined ? {} : { maxWaitMs: label.max_wait }),
    ref: label.ref ?? null,
    publish: label.publish ?? true,
    named: Named.options.filter((key) => label[key] !== undefined),
  };
}

/** An instruction of the label's own is the repository's; the issue is quoted to the agent beside it, as in every task. */
function workOf(label: Label, { title, body, defaults }: Labelled): Work {
  if (label.argv !== undefined) return { kind: "command", argv: label.argv };
  const model = label.model ?? defaults.model;
  if (label.instruction === undefined)
    return { kind: "agent", instruction: title.trim(), body: body.trim(), model, quoted: true };
  const [instruction = "", ...below] = label.instruction.split(/\r\n?|\n/);
  return { kind: "agent", instruction: instruction.trim(), body: below.join("\n").trim(), model };
}
