/** Turns what happened into the webhook deliveries that GitHub would make of it, one for each hook that listens. */
import { installationShape, organizationShape, repositoryShape, userShape } from "./shapes.ts";
import { fullName, type Account, type Installation, type Repository } from "./state.ts";
import { allows, installationOf, type World } from "./world.ts";

export type Happening = {
  readonly event: string;
  readonly action?: string;
  readonly sender: Account;
  readonly repository?: Repository;
  /** Only where no repository tells which one it is. */
  readonly installation?: Installation;
  /** What the payload holds beside action, sender, repository, organization and installation. */
  readonly more?: object;
};

/** What an app must be allowed to read for an event to reach it (GitHub's webhook reference). */
const neededFor: Readonly<Record<string, readonly string[]>> = {
  issues: ["issues"],
  issue_comment: ["issues", "pull_requests"],
  label: ["issues", "pull_requests"],
  pull_request: ["pull_requests"],
  pull_request_review: ["pull_requests"],
  pull_request_review_comment: ["pull_requests"],
  check_run: ["checks"],
  check_suite: ["checks"],
  push: ["contents"],
  workflow_run: ["actions"],
  repository: ["metadata"],
};
/** They come to every app unasked. */
const unasked = new Set(["installation", "installation_repositories", "ping"]);
const appsOnly = new Set(["requested", "rerequested", "requested_action"]);

/** The installation that hears of it, if any. Apps that may write checks hear of them without subscribing. */
function listener(world: World, { event, repository, installation }: Happening): Installation | undefined {
  const found = installation ?? (repository && installationOf(world, repository));
  if (found === undefined) return undefined;
  if (unasked.has(event)) return found;
  if (found.suspendedAt !== undefined) return undefined;
  const hasChecks = event.startsWith("check_") && found.permissions["checks"] === "write";
  const mayRead = (neededFor[event] ?? []).some((name) => allows(found.permissions, name, "read"));
  return hasChecks || (mayRead && world.app.events.includes(event)) ? found : undefined;
}

function guid(world: World): string {
  const digits = world.digits(`guid ${world.nextId("guid")}`, 32);
  return [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ]
    .map(([from, to]) => digits.slice(from, to))
    .join("-");
}

export function announce(world: World, happening: Happening): void {
  const { event, action, repository, sender, more } = happening;
  const owner = repository?.owner ?? happening.installation?.account;
  const body = {
    ...(action !== undefined && { action }),
    ...more,
    ...(repository !== undefined && { repository: repositoryShape(world, repository) }),
    ...(owner?.type === "Organization" && { organization: organizationShape(world, owner) }),
    sender: userShape(world, sender),
  };
  const send = (hook: "app" | "organization", installation: Installation | undefined): void => {
    const named = event.startsWith("installation")
      ? {}
      : { installation: installation && { id: installation.id, node_id: `IN_${installation.id}` } };
    const payload = JSON.stringify({ ...body, ...named });
    world.recording?.add({ kind: "webhook", event, action, payload });
    world.deliveries.add({
      guid: guid(world),
      event,
      action,
      hook,
      installationId: installation?.id,
      repositoryId: repository?.id,
      payload,
      isRedelivery: false,
    });
  };
  const heard = listener(world, happening);
  if (heard !== undefined) send("app", heard);
  const organizationHook = owner && world.organizationHooks.get(owner.login.toLowerCase());
  if (organizationHook === undefined || unasked.has(event) || (action !== undefined && appsOnly.has(action))) return;
  send("organization", organizationHook === "as-app" ? heard : undefined);
}

/** Events of the installation itself, which always bear it whole. */
export function announceInstallation(world: World, installation: Installation, action: string, sender: Account): void {
  announce(world, {
    event: "installation",
    action,
    sender,
    installation,
    more: { installation: installationShape(world, installation), repositories: repositoriesOf(world, installation) },
  });
}

/** Repositories as the installation events list them. */
const repositoriesOf = (world: World, installation: Installation) =>
  [...world.repositories.values()].filter((each) => installationOf(world, each) === installation).map(briefly);

export const briefly = (repository: Repository) => ({
  id: repository.id,
  node_id: `R_${repository.id}`,
  name: repository.name,
  full_name: fullName(repository),
  private: repository.private,
});
