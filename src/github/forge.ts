/** GitHub as the forge of the core: each call of the contract, handed to the module that does it. */
import type { Sha, TaskId } from "../core/ids.ts";
import type { Forge } from "../core/ports/forge.ts";
import type { OperatorChannel } from "../core/ports/notices.ts";
import type { Workflows } from "../core/ports/workflows.ts";
import type { IssuePlace } from "../core/task.ts";
import type { FoundLabels } from "../records/labels.ts";
import { openClients, type ClientOptions } from "./client.ts";
import { openMissedRuns } from "./failures/missed.ts";
import { showFailures } from "./failures/show.ts";
import { openMissedLabels } from "./labels/missed.ts";
import { labelOn, removeLabel } from "./labels/on-issue.ts";
import { openOperatorIssue } from "./operator-issue.ts";
import { roleOf } from "./permissions.ts";
import { pin } from "./pin.ts";
import { onGitHub, placeOf, repoOf, taskMarker } from "./place.ts";
import { publish } from "./publish/publish.ts";
import { reply } from "./reply.ts";
import { openReport } from "./report/report.ts";
import { openSettings } from "./settings.ts";
import { checkSettings, noticingSettings } from "./settings-check.ts";

export type GitHubForgeOptions = ClientOptions & {
  /** `https://github.com`, or the address of an Enterprise server; without a slash at its end. */
  readonly webUrl: string;
  /** Those that are served, where runs that were missed are looked for. */
  readonly installations: readonly number[];
  /** A fresh id for each call. */
  readonly unique: () => string;
  /** Where this service's own pages are, without a slash at its end; absent where it has none. */
  readonly publicUrl?: string;
};

export type GitHubForge = Forge & {
  /** The hidden first line of a task's comment. */
  readonly marker: (task: TaskId) => string;
  /** Tells the operator in issues of this repository (`owner/name`), on which the app is installed. */
  readonly operatorIssue: (repository: string) => OperatorChannel;
  readonly workflows: Workflows;
  /** Labels that no delivery told of. */
  readonly labels: (from: string | undefined) => Promise<FoundLabels>;
};

export function openGitHubForge(options: GitHubForgeOptions): GitHubForge {
  const { app, clock, log, webUrl, unique, publicUrl, installations } = options;
  const clients = openClients(options);
  const elsewhere = { publicUrl };
  const settings = openSettings(clients);
  const settingsRun = (place: IssuePlace, sha: Sha) =>
    checkSettings({ ...clients.of(place.installation), place, appId: app.id }, { sha, now: clock.now(), log });
  return {
    marker: taskMarker,
    workflows: {
      show: (view) => showFailures({ clients, settings, appId: app.id, log }, view, clock.now()),
      missed: openMissedRuns({ clients, settings, installations, clock, log }),
    },
    labels: openMissedLabels({ clients, settings, installations, clock, log }),
    operatorIssue: (repository) => openOperatorIssue({ clients, appId: app.id, repository }),
    async authority(place, actor) {
      const on = onGitHub(place);
      return roleOf(clients.of(on.installation).octokit, on, actor);
    },
    async pin(task) {
      return pin(clients.of(placeOf(task).installation).octokit, task, webUrl);
    },
    report: openReport({ clients, appId: app.id, clock, log, elsewhere }),
    async publish(request) {
      const place = placeOf(request.view.task);
      const hand = { ...clients.of(place.installation), repo: repoOf(place) };
      const mayChangeWorkflows = () => clients.mayChangeWorkflows(place.installation);
      const noticing = noticingSettings(request);
      const published = await publish(hand, { webUrl, unique, mayChangeWorkflows }, noticing.request);
      const { pullRequest: number, sha } = published;
      // A push to a pull request leaves the runs of the commit before behind.
      if (number !== null && (noticing.isChanged() || place.pullRequest))
        await settingsRun({ ...place, number, pullRequest: true }, sha);
      return published;
    },
    async settings(place) {
      const { installation, repository } = onGitHub(place);
      return settings.of(installation, repository);
    },
    checkSettings: async (place, sha) => settingsRun(onGitHub(place), sha),
    async labelOn(place, label) {
      const on = onGitHub(place);
      return labelOn(clients.of(on.installation), on, label);
    },
    async removeLabel(place, label) {
      const on = onGitHub(place);
      await removeLabel(clients.of(on.installation), { place: on, label, log });
    },
    async reply(place, marker, body) {
      const on = onGitHub(place);
      await reply(
        { ...clients.of(on.installation), place: on, appId: app.id },
        { marker, body, now: clock.now(), log },
      );
    },
    async repositoryToken(task) {
      const { installation, repository } = placeOf(task);
      const { token } = await clients.tokens.readOnly(installation, repository.id);
      // The name that GitHub documents for tokens of an app over git's HTTPS.
      return { username: "x-access-token", password: token };
    },
  };
}
