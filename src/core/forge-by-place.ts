/** One forge out of two, for a service that works for GitHub and for people at its machine's terminal. */
import type { Forge } from "./ports/forge.ts";
import type { Place } from "./task.ts";

/** Each task's forge is the one that its place is on. Without GitHub's, what asks for it throws. */
export function forgeByPlace(local: Forge, github: Forge | undefined): Forge {
  const of = (kind: Place["kind"]): Forge => {
    if (kind === "terminal") return local;
    if (github === undefined) throw new Error("This process has no connection to GitHub; the service has.");
    return github;
  };
  return {
    authority: (place, actor) => of(place.kind).authority(place, actor),
    pin: (task) => of(task.origin.place.kind).pin(task),
    report: (view, place) => of(view.task.origin.place.kind).report(view, place),
    publish: (request) => of(request.view.task.origin.place.kind).publish(request),
    reply: (place, marker, body) => of(place.kind).reply(place, marker, body),
    repositoryToken: (task) => of(task.origin.place.kind).repositoryToken(task),
  };
}
