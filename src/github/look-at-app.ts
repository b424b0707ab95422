/** The App as GitHub knows it, looked at for `parhelia doctor`: what it may, what it hears, where it is, and what came through. */
import type { Octokit } from "@octokit/rest";
import { failed, ok, unseen, warning, type Check, type Seen } from "../core/checkup.ts";
import { minuteMs } from "../core/instant.ts";
import { plainLine } from "../core/markdown.ts";
import type { Clock } from "../core/ports/clock.ts";
import { neededEvents, neededPermissions, optionalPermissions } from "./app-needs.ts";
import { clientAsApp, type ClientOptions } from "./client.ts";
import { failureOf } from "./failure.ts";

export interface LookOptions extends ClientOptions {
  readonly installations: readonly number[];
  /** Where GitHub is to send its deliveries; undefined where the settings do not say where this service is. */
  readonly webhookUrl: string | undefined;
}

/** Never throws for what GitHub says. */
export async function lookAtApp(options: LookOptions): Promise<Check[]> {
  const octokit = clientAsApp(options);
  const app = await see(() => octokit.rest.apps.getAuthenticated());
  // A clock that is off is the likeliest reason for a key that is not taken.
  if (app.is !== "there") return [{ name: "app", ...app.why }, ...clockCheck(app.date, options.clock)];
  const { data, headers } = app.it;
  const [webhook, deliveries, ...installed] = await Promise.all([
    hook(octokit, options),
    lately(octokit),
    ...options.installations.map((id) => installation(octokit, id)),
  ]);
  const given = data?.permissions ?? {};
  return [
    { name: "app", ...ok(`${data?.name ?? "?"} (${data?.id ?? "?"})`) },
    { name: "clock", ...clock(headers.date, options.clock) },
    { name: "permissions", ...permissions(given, "On the App's page: Permissions & events") },
    { name: "events", ...events(data?.events ?? []) },
    { name: "webhook", ...webhook },
    { name: "deliveries", ...deliveries },
    ...(installed.length > 0 ? installed : [{ name: "installations", ...noInstallation }]),
  ];
}

const noInstallation = failed(
  "github.installations is empty, so nobody is served",
  "Install the App, and write the number at the end of the installation's address into github.installations.",
);

type Sought<T> =
  | { readonly is: "there"; readonly it: T }
  /** `date` is GitHub's, where it answered. */
  | { readonly is: "not there"; readonly why: Seen; readonly date: string | undefined };

async function see<T>(call: () => Promise<T>): Promise<Sought<T>> {
  try {
    return { is: "there", it: await call() };
  } catch (error) {
    const failure = failureOf(error);
    if (failure === undefined) throw error;
    const { status, message, headers } = failure;
    const date = typeof headers["date"] === "string" ? headers["date"] : undefined;
    if (status === 401)
      return {
        is: "not there",
        date,
        why: failed(
          `GitHub does not take the App's key: ${plainLine(message)}`,
          "Compare github.app_id with the App's page, make a new private key there, and set github.private_key_path; and look at this machine's clock.",
        ),
      };
    const found = status === 0 ? "GitHub gives no answer" : `GitHub answers ${status}: ${plainLine(message)}`;
    return {
      is: "not there",
      date,
      why: failed(found, "Look at github.api_url and the network, and at https://www.githubstatus.com."),
    };
  }
}

/** GitHub takes a signed word from the last ten minutes, and none from the future. */
const clockOffMs = minuteMs;

const clockCheck = (date: string | undefined, by: Clock): Check[] =>
  date === undefined ? [] : [{ name: "clock", ...clock(date, by) }];

function clock(date: string | undefined, { now }: Clock): Seen {
  const theirs = Date.parse(date ?? "");
  if (Number.isNaN(theirs)) return unseen("GitHub did not say what time it is");
  const offMs = now() - theirs;
  if (Math.abs(offMs) <= clockOffMs) return ok(`${Math.round(Math.abs(offMs) / 1000)} s from GitHub's`);
  const which = offMs > 0 ? "ahead of" : "behind";
  return failed(
    `it is ${Math.round(Math.abs(offMs) / 1000)} s ${which} GitHub's`,
    "Let the machine keep its time (timedatectl set-ntp true); time limits and the App's key go by it.",
  );
}

type Given = Readonly<Record<string, string | undefined>>;

function permissions(given: Given, where: string): Seen {
  const isEnough = (name: string, needed: string): boolean =>
    given[name] === needed || given[name] === "write" || given[name] === "admin";
  const missing = Object.entries(neededPermissions).filter(([name, needed]) => !isEnough(name, needed));
  if (missing.length > 0) {
    const list = missing.map(([name, needed]) => `${name}: ${needed}`).join(", ");
    return failed(`missing: ${list}`, `${where}, give these. Whoever installed the App has to accept them.`);
  }
  const more = Object.keys(given).filter((name) => !(name in neededPermissions) && !optionalPermissions.includes(name));
  const above = Object.entries(neededPermissions).flatMap(([name, needed]) =>
    given[name] === needed ? [] : `${name}: ${given[name]}`,
  );
  if (more.length + above.length === 0) return ok("as app.yml asks for them");
  return warning(`more than is needed: ${[...more, ...above].join(", ")}`, `${where}, take these away.`);
}

function events(heard: readonly string[]): Seen {
  const missing = neededEvents.filter((each) => !heard.includes(each));
  if (missing.length === 0) return ok("as app.yml asks for them");
  return failed(`not subscribed to ${missing.join(", ")}`, "On the App's page, Permissions & events, tick these.");
}

async function hook(octokit: Octokit, { webhookUrl }: LookOptions): Promise<Seen> {
  const found = await see(() => octokit.rest.apps.getWebhookConfigForApp());
  if (found.is !== "there") return found.why;
  const { url = "", insecure_ssl: insecure } = found.it.data;
  if (String(insecure ?? "0") === "1")
    return failed("GitHub does not check the service's certificate", "On the App's page, enable SSL verification.");
  if (webhookUrl !== undefined && url !== webhookUrl)
    return failed(`GitHub delivers to ${url || "nowhere"}`, `On the App's page, set the webhook URL to ${webhookUrl}.`);
  if (!url.endsWith("/webhook"))
    return failed(
      `GitHub delivers to ${url || "nowhere"}`,
      "Its path has to be /webhook: set https://<your host>/webhook.",
    );
  return ok(url);
}

const looked = 50;

/** By what GitHub itself wrote down of the last ones: a look from here would prove nothing about the way from there. */
async function lately(octokit: Octokit): Promise<Seen> {
  const found = await see(() => octokit.rest.apps.listWebhookDeliveries({ per_page: looked }));
  if (found.is !== "there") return found.why;
  const all = found.it.data;
  const [newest] = all;
  if (newest === undefined)
    return warning(
      "GitHub has delivered nothing in three days",
      "Write a comment in a repository with the App, and look again.",
    );
  const lost = all.filter(({ status_code: status }) => status < 200 || status >= 300);
  const words = `${all.length - lost.length} of the last ${all.length} came through`;
  if (newest.status_code === 401 || newest.status_code === 400)
    return failed(
      `${words}; the newest was refused with ${newest.status_code}`,
      "The webhook secret on the App's page and PARHELIA_GITHUB_WEBHOOK_SECRET have to be the same.",
    );
  if (newest.status_code < 200 || newest.status_code >= 300)
    return failed(
      `${words}; of the newest GitHub says: ${plainLine(newest.status)}`,
      "Look whether the service runs, and whether its address is reached from outside (a proxy, a firewall, its certificate).",
    );
  if (lost.length === 0) return ok(words);
  return warning(words, "On the App's page, Advanced, each lost delivery can be sent again.");
}

async function installation(octokit: Octokit, id: number): Promise<Check> {
  const name = `installation ${id}`;
  const found = await see(() => octokit.rest.apps.getInstallation({ installation_id: id }));
  if (found.is !== "there") {
    const isUnknown = "found" in found.why && found.why.found.includes("404");
    const none = failed(
      "GitHub knows none of this number",
      "Take it out of github.installations, or install the App again.",
    );
    return { name, ...(isUnknown ? none : found.why) };
  }
  const { suspended_at: suspended, permissions: given, account } = found.it.data;
  if (suspended !== null)
    return {
      name,
      ...failed(
        `suspended since ${suspended}`,
        "Whoever owns the account can take that back, on the installation's page.",
      ),
    };
  const seen = permissions(given, "On the installation's page, Review request");
  const owner = account !== null && "login" in account ? account.login : "?";
  return { name, ...(seen.outcome === "ok" ? ok(plainLine(owner)) : seen) };
}
