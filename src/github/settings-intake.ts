/**
 * People's pull requests that may change the repository's settings: written down with the delivery, looked at by the engine.
 * Ours are looked at when they are published, so that their deliveries cost nothing.
 */
import type { Probot } from "probot";
import { DeliveryId, InstallationId, Sha } from "../core/ids.ts";
import { takeIn } from "../records/intake.ts";
import type { IntakeOptions } from "./intake.ts";

type Options = Pick<IntakeOptions, "store" | "clock" | "log" | "installations">;

export function registerSettingsIntake(probot: Probot, { store, clock, log, installations }: Options): void {
  const events = ["pull_request.opened", "pull_request.synchronize", "pull_request.reopened"] as const;
  probot.on([...events], async ({ id, payload }) => {
    const { pull_request: pull, repository, sender } = payload;
    const installation = payload.installation?.id;
    if (sender.type === "Bot" || installation === undefined || !installations.has(installation)) return;
    const now = clock.now();
    // Once for each head, however often and by whichever event it is told.
    const what = `settings/${pull.id}/${pull.head.sha}`;
    const outcome = await takeIn(store, {
      delivery: DeliveryId.parse(id),
      installation: InstallationId.parse(installation),
      what,
      tasks: [],
      request: {
        id: `${repository.id}/${what}`.replaceAll("/", "-"),
        place: {
          kind: "issue",
          installation: InstallationId.parse(installation),
          repository: { id: repository.id, owner: repository.owner.login, name: repository.name },
          number: pull.number,
          pullRequest: true,
        },
        actor: { id: sender.id, login: sender.login },
        says: [{ checkSettings: Sha.parse(pull.head.sha) }],
        newest: null,
        createdAt: now,
        tries: 0,
      },
      now,
    });
    log.info({ delivery: id, what, by: sender.id, outcome }, "delivery");
  });
}
