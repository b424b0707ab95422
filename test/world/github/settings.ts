/** What administrators do: rename, protect, give roles; and what other apps and Actions leave behind. */
import { announce } from "./announce.ts";
import { finishRun, workflowRunShape, workflowShape, type FinishedRun } from "./action-routes.ts";
import { createCheck, NewCheck } from "./checks.ts";
import { labelOf } from "./conversations.ts";
import { installationSettings, type InstallationSettings } from "./installations.ts";
import { fullName, role, type App, type Protection } from "./state.ts";
import { addAccount, iso, makeKeyPair, repositoryNamed, type World } from "./world.ts";

type RoleName = Parameters<typeof role>[0];

export type Settings = InstallationSettings & {
  /** Makes somebody; their id. `role` is their role in every repository of an organization; a stranger's is left out. */
  person(
    login: string,
    made?: { readonly role?: RoleName; readonly association?: string; readonly type?: "User" | "Bot" },
  ): number;
  /** Somebody's role in one repository. */
  setRole(repository: string, login: string, to: RoleName): void;
  rename(repository: string, to: string): void;
  protect(repository: string, branch: string, how: Protection | "not"): void;
  archive(repository: string): void;
  switchIssuesOff(repository: string): void;
  /** A second hook, of the organisation, that hears the same under other delivery ids. Its payloads name no installation unless told. */
  organizationHook(login: string, how?: "as-app" | "absent"): void;
  /** A check run of another app, say of Actions; its id. */
  foreignCheck(repository: string, sha: string, name: string, conclusion?: "success" | "failure"): Promise<number>;
  /** Actions finished a run; its id. */
  workflowRun(repository: string, run: FinishedRun): number;
  /** On all that bears it. */
  renameLabel(repository: string, from: string, to: string): void;
  deleteLabel(repository: string, name: string): void;
  /** On the App's page. */
  setWebhookUrl(url: string): void;
  setWebhookSecret(secret: string): void;
  /** Another private key of the app, beside those that it has; a PEM. */
  addPrivateKey(): string;
  deletePrivateKey(pem: string): void;
  ping(): void;
};

const actions: App = {
  id: 15_368,
  slug: "github-actions",
  clientId: "Iv1.actions",
  permissions: {},
  events: [],
  bot: {
    id: 41_898_282,
    login: "github-actions[bot]",
    type: "Bot",
    role: undefined,
    association: undefined,
    hasBlockedApp: false,
  },
};

const hookId = 300_001;

function hookShape({ app, hook, now }: World) {
  const at = iso(now());
  const config = { content_type: "json", insecure_ssl: "0", secret: "********", url: hook.url };
  const common = { type: "App", id: hookId, name: "web", active: true, events: app.events, config };
  return { ...common, created_at: at, updated_at: at, app_id: app.id };
}

export function settings(world: World): Settings {
  return {
    ...installationSettings(world),
    person(login, { role: named, ...made } = {}) {
      return addAccount(world, login, { ...made, role: named === undefined ? undefined : role(named) }).id;
    },
    setRole: (name, login, to) => void repositoryNamed(world, name).roles.set(login.toLowerCase(), role(to)),
    rename(name, to) {
      const repository = repositoryNamed(world, name);
      const from = repository.name;
      repository.formerNames.push(fullName(repository).toLowerCase());
      repository.name = to;
      const more = { changes: { repository: { name: { from } } } };
      announce(world, { event: "repository", action: "renamed", sender: repository.owner, repository, more });
    },
    protect(name, branch, how) {
      const { protections } = repositoryNamed(world, name);
      if (how === "not") protections.delete(branch);
      else protections.set(branch, how);
    },
    archive(name) {
      repositoryNamed(world, name).archived = true;
    },
    switchIssuesOff(name) {
      repositoryNamed(world, name).hasIssues = false;
    },
    organizationHook: (login, how = "absent") => void world.organizationHooks.set(login.toLowerCase(), how),
    async foreignCheck(name, sha, title, conclusion) {
      const made = NewCheck.parse({ name: title, head_sha: sha, conclusion });
      return (await createCheck(world, repositoryNamed(world, name), actions, made)).id;
    },
    workflowRun(name, given) {
      const run = finishRun(world, repositoryNamed(world, name), given);
      const more = { workflow_run: workflowRunShape(world, run), workflow: workflowShape(world, run) };
      const { repository } = run;
      announce(world, { event: "workflow_run", action: "completed", sender: actions.bot, repository, more });
      return run.id;
    },
    renameLabel: (name, from, to) => void (labelOf(world, repositoryNamed(world, name), from).name = to),
    deleteLabel(name, label) {
      const repository = repositoryNamed(world, name);
      const gone = labelOf(world, repository, label);
      repository.labels.splice(repository.labels.indexOf(gone), 1);
      for (const issue of repository.issues) issue.labels = issue.labels.filter((each) => each !== gone);
    },
    setWebhookUrl(url) {
      world.hook.url = url;
    },
    setWebhookSecret(secret) {
      world.hook.secret = secret;
    },
    addPrivateKey() {
      const { privateKeyPem, publicKey } = makeKeyPair();
      world.publicKeys.set(privateKeyPem, publicKey);
      return privateKeyPem;
    },
    deletePrivateKey: (pem) => void world.publicKeys.delete(pem),
    ping() {
      for (const installation of world.installations.values()) {
        const more = { zen: "Design for failure.", hook_id: hookId, hook: hookShape(world) };
        return announce(world, { event: "ping", sender: installation.account, installation, more });
      }
    },
  };
}
