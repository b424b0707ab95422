/** One answer to all that a comment says: what is known already, and what its commands bring, in the order of its lines. */
import type { Markdown } from "../core/markdown.ts";
import type { Forge } from "../core/ports/forge.ts";
import { Refusal } from "../core/refusal.ts";
import type { Request, Saying } from "../records/requests.ts";
import { execute, type Context } from "./execute.ts";
import { takeLabel } from "./take-label.ts";

type Around = Omit<Context, "op" | "newest" | "forge"> & {
  readonly forge: Context["forge"] & Pick<Forge, "checkSettings" | "settings" | "labelOn" | "removeLabel">;
};

/** A fault in one command is thrown, and the whole is answered again later: what was done is found done then. */
export async function answerRequest(request: Request, context: Around): Promise<Markdown> {
  const answers: Markdown[] = [];
  for (const [index, saying] of request.says.entries()) {
    answers.push(
      await answerOne(request, saying, { ...context, newest: request.newest, op: `request/${request.id}/${index}` }),
    );
  }
  return answers.filter((answer) => answer !== "").join("\n\n---\n\n");
}

async function answerOne(request: Request, saying: Saying, context: Context & Around): Promise<Markdown> {
  if ("words" in saying) return saying.words;
  const { place, actor, comment } = request;
  if ("checkSettings" in saying) {
    await context.forge.checkSettings(place, saying.checkSettings);
    return "";
  }
  if ("label" in saying) {
    await takeLabel(request, saying.label, context);
    return "";
  }
  const asker = { place, actor, comment };
  try {
    return await execute({ command: saying.command, input: saying.input, asker, context });
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}
