/** One forge out of two, for a service that works for GitHub and for people at its machine's terminal. */
import { Busy } from "./busy.ts";
import { after, minuteMs } from "./instant.ts";
import type { Clock } from "./ports/clock.ts";
import type { Forge } from "./ports/forge.ts";
import type { Place } from "./task.ts";

/** Each task's forge is the one that its place is on. Without GitHub's, what asks for it is put off. */
export function forgeByPlace(clock: Clock, local: Forge, github: Forge | undefined): Forge {
  const of = (kind: Place["kind"]): Forge => {
    if (kind === "terminal") return local;
    // Not a try of theirs: a command at a terminal came upon tasks that wait for the service.
    if (github === undefined) throw new Busy(after(clock.now(), minuteMs));
    return github;
  };
  return {
    authority: (place, actor) => of(place.kind).authority(place, actor),
    pin: (task) => of(task.origin.place.kind).pin(task),
    report: (view, place) => of(view.task.origin.place.kind).report(view, place),
    publish: (request) => of(request.view.task.origin.place.kind).publish(request),
    settings: (place) => of(place.kind).settings(place),
    checkSettings: (place, head) => of(place.kind).checkSettings(place, head),
    labelOn: (place, label) => of(place.kind).labelOn(place, label),
    removeLabel: (place, label) => of(place.kind).removeLabel(place, label),
    reply: (place, marker, body) => of(place.kind).reply(place, marker, body),
    repositoryToken: (task) => of(task.origin.place.kind).repositoryToken(task),
  };
}
