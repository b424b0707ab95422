/** Values of settings, and sections of the operator's. Environment variables give text; files may give the number or the list itself. */
import { z } from "zod";
import { gpuType, pricedNames } from "./compute-prices.ts";
import { usd } from "./money.ts";
import { nameHint } from "./nearest.ts";
import { isCron, isTimeZone } from "./schedule.ts";
import { Cores, Host, MemoryMiB, textual, TimeoutMs } from "./quantities.ts";

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

/** Where the service listens. */
export const serverSection = z.strictObject({
  host: z.string(),
  port: whole(0, 65_535),
  /** The service as the network reaches it; sandboxes on Modal ask for their work here. */
  public_url: address.optional(),
});

/** The App, and where GitHub is. */
export const githubSection = z.strictObject({
  app_id: whole(1, 2 ** 40).optional(),
  private_key_path: z.string().optional(),
  web_url: address,
  api_url: address,
  /** Ids of the installations that are served; others are ignored. */
  installations: texts.pipe(z.array(z.coerce.number<string>().int().positive())),
});

/** Where work runs, and what it gets where nothing else is asked for. */
export const sandboxSection = z.strictObject({
  backend: z.enum(["local", "modal"]),
  /** How long a task waits for a machine that is free; each of several GPUs has its share of it. */
  max_wait: TimeoutMs,
  isolation: z.enum(["bubblewrap", "none"]),
  cpu: textual.pipe(Cores),
  memory: textual.pipe(MemoryMiB),
  timeout: TimeoutMs,
  /** What an hour of a local sandbox costs the operator, in dollars; Modal's have prices of their own. */
  price_per_hour: textual.pipe(z.coerce.number<string>().min(0).max(10_000)).transform(usd),
  /** Hosts that a sandbox may reach beside GitHub. */
  allow_hosts: texts.pipe(z.array(Host)),
});

/** The account, image and place of sandboxes on Modal, and what they may reach of the network. */
export const modalSection = z.strictObject({
  /** Its name there. Everything that Parhelia makes on Modal is in it. */
  app: z.string().regex(/^[\w.-]{1,64}$/, "is no name of a Modal app: write at most 64 of A-Z, a-z, 0-9, _, . and -"),
  /** A Modal environment; the account's own default unless told. */
  environment: z.string().optional(),
  /** A published image, by its name and tag. */
  image: z.string().regex(/^(?!im-)[\w.-]{1,64}:[\w.-]{1,64}$/, "is no published image: write name:tag"),
  /** A Modal volume, by its name: what outlives sandboxes. */
  volume: z
    .string()
    .regex(/^[\w.-]{1,64}$/, "is no name of a Modal volume: write at most 64 of A-Z, a-z, 0-9, _, . and -"),
  /** Which of Modal's secrets jobs of which repository may have. */
  secrets: texts.pipe(
    z.array(
      z
        .string()
        .regex(
          /^[\w-]+\/[\w.-]+:[A-Z_][A-Z0-9_]{0,63}$/,
          "is no secret of a repository: write owner/name:SECRET, with the secret's name on Modal in capital letters",
        ),
    ),
  ),
  /** Where sandboxes may run, such as us or eu-west; a choice makes them dearer. */
  regions: texts,
  /** `list`: the gateway, GitHub and `sandbox.allow_hosts`; `none`: the gateway alone. */
  network: z.enum(["none", "list", "open"]),
});

const cronTimes = z
  .string()
  .refine(
    isCron,
    'is no line of cron. Write five fields, minute hour day month weekday: "0 6 * * 0" is Sundays at six',
  );

/** What the service does by itself for its operator, and when. */
export const scheduleSection = z.strictObject({
  /** Build the image of sandboxes on Modal anew, try it, and make it live. */
  image_rebuild: cronTimes.optional(),
  /** Try on the account what the service relies on there. */
  e2e: cronTimes.optional(),
  time_zone: z.string().refine(isTimeZone, 'is no time zone. Write one like "UTC" or "Europe/Berlin"'),
});

/** Of what: percent of a ceiling, and of the tasks that ended in the last hour. */
export const alertsSection = z.strictObject({
  budget_steps: texts.pipe(z.array(z.coerce.number<string>().int().min(1).max(100))),
  error_percent: percent,
  timeout_percent: percent,
  min_tasks: whole(1, 10_000),
});

/** `H100=0.0011`: a name of the price table and what it costs a second, in US dollars. */
const ownPrices = texts.transform((items, context) => {
  const found: Record<string, number> = {};
  for (const item of items) {
    const [name = "", amount = ""] = item.split("=").map((part) => part.trim());
    const known = pricedNames.find((each) => each === (gpuType(name)?.name ?? name.toLowerCase()));
    const price = Number(amount);
    const isPrice = /^\d*\.?\d+$/.test(amount) && price < 1;
    if (known !== undefined && isPrice) found[known] = price;
    else if (known === undefined) {
      const message = `has no price for ${name.slice(0, 60)}.${nameHint(name, pricedNames)}`;
      context.addIssue({ code: "custom", message });
    } else context.addIssue({ code: "custom", message: `${known}: write dollars a second, as ${known}=0.0003` });
  }
  return found;
});

const factor = textual.pipe(z.coerce.number<string>().min(1).max(10)).optional();

/** Where a contract with Modal says something else than its published prices. */
export const pricesSection = z.strictObject({
  per_second: ownPrices,
  region_broad: factor,
  region_narrow: factor,
});
