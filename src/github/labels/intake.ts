/**
 * Labels that are put on issues and pull requests: written down with the text as it was then, and looked at by the engine,
 * which knows what they mean here. Which label starts something is the repository's to say, so each is kept.
 */
import type { Probot } from "probot";
import { DeliveryId, InstallationId } from "../../core/ids.ts";
import { Instant } from "../../core/instant.ts";
import { clipBytes } from "../../core/markdown.ts";
import { takeIn } from "../../records/intake.ts";
import type { Request } from "../../records/requests.ts";
import type { IntakeOptions } from "../intake.ts";

type Options = Pick<IntakeOptions, "store" | "clock" | "log" | "installations">;

/** An issue, or a pull request, as the events show it. */
interface Thing {
  readonly id: number;
  readonly number: number;
  readonly title: string;
  readonly body: string | null;
  readonly updated_at: string;
}

/** Its id stays when it is renamed. */
interface NamedLabel {
  readonly id: number;
  readonly name: string;
}

export interface PutOn {
  readonly installation: number;
  readonly repository: { readonly id: number; readonly name: string; readonly owner: { readonly login: string } };
  readonly thing: Thing;
  readonly kind: "issue" | "pull request";
  readonly label: NamedLabel;
  readonly by: { readonly id: number; readonly login: string; readonly type: string };
}

export function registerLabelIntake(probot: Probot, options: Options): void {
  const { installations } = options;
  type Event = { readonly id: string; readonly payload: Payload };
  type Payload = Pick<PutOn, "repository"> & {
    sender: PutOn["by"];
    installation?: { readonly id: number } | undefined;
  };
  const hear = async ({ id, payload }: Event, on: Pick<PutOn, "thing" | "kind">, labels: readonly NamedLabel[]) => {
    const { repository, sender, installation } = payload;
    if (installation === undefined || !installations.has(installation.id)) return;
    for (const label of labels)
      await keep(id, { installation: installation.id, repository, by: sender, label, ...on }, options);
  };
  probot.on("issues.labeled", (event) => {
    const { issue, label } = event.payload;
    return hear(event, { thing: issue, kind: "issue" }, label === undefined ? [] : [label]);
  });
  probot.on("pull_request.labeled", (event) => {
    const { pull_request: pull, label } = event.payload;
    return hear(event, { thing: pull, kind: "pull request" }, label === undefined ? [] : [label]);
  });
}

/** GitHub takes 65,536 characters; the beginning says what it is about. */
const keptBytes = 60_000;

/** What the engine is to look at. Named by which it is, who put it on and when: told of twice, or renamed since, it is one. */
export function requestOf({ installation, repository, thing, kind, label, by }: PutOn, at: Instant, now: Instant) {
  const what = `label/${thing.id}/${label.id}/${by.id}/${at}`;
  const request: Request = {
    id: `${repository.id}/${what}`.replaceAll("/", "-"),
    place: {
      kind: "issue",
      installation: InstallationId.parse(installation),
      repository: { id: repository.id, owner: repository.owner.login, name: repository.name },
      number: thing.number,
      pullRequest: kind === "pull request",
    },
    actor: { id: by.id, login: by.login },
    says: [
      {
        label: {
          id: label.id,
          name: label.name,
          at,
          title: thing.title,
          body: clipBytes(thing.body ?? "", keptBytes, { keep: "start" }),
          ...(by.type === "Bot" ? { bot: true } : {}),
        },
      },
    ],
    newest: null,
    createdAt: now,
    tries: 0,
  };
  return { what, request };
}

async function keep(id: string, on: PutOn, { store, clock, log }: Options): Promise<void> {
  const now = clock.now();
  const { what, request } = requestOf(on, Instant.parse(Date.parse(on.thing.updated_at)), now);
  const { installation } = on;
  const outcome = await takeIn(store, {
    delivery: DeliveryId.parse(id),
    installation: InstallationId.parse(installation),
    what,
    tasks: [],
    request,
    now,
  });
  log.info({ delivery: id, what, by: on.by.id, outcome }, "delivery");
}
