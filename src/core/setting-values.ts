/** Values of settings, and sections of the operator's. Environment variables give text; files may give the number or the list itself. */
import { z } from "zod";
import { textual } from "./quantities.ts";

export const whole = (min: number, max: number) => textual.pipe(z.coerce.number<string>().int().min(min).max(max));

const percent = whole(1, 100);

/** A list, or text with commas. */
export const texts = z
  .union([z.array(z.union([z.string(), z.number()])), z.string().transform((text) => text.split(","))])
  .transform((items) => items.map((each) => String(each).trim()).filter((each) => each !== ""));

const webUrl = z.url({ protocol: /^https?$/ });

/** Without a slash at its end. */
export const address = webUrl.transform((text) => text.replace(/\/+$/, ""));

/** On GitHub. */
const repositoryFullName = z.string().regex(/^[\w-]+\/[\w.-]+$/, "is no repository: write owner/name");

/** Where the operator is told: in issues of a repository, at an address, both or nowhere. */
export const operatorSection = z.strictObject({
  repository: repositoryFullName.optional(),
  webhook: webUrl.optional(),
});

/** Of what: percent of a ceiling, and of the tasks that ended in the last hour. */
export const alertsSection = z.strictObject({
  budget_steps: texts.pipe(z.array(z.coerce.number<string>().int().min(1).max(100))),
  error_percent: percent,
  timeout_percent: percent,
  min_tasks: whole(1, 10_000),
});
