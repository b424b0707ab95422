/** What administrators do: install, suspend, rename, protect, give roles; and what other apps and Actions leave behind. */
import { announce, announceInstallation, briefly } from "./announce.ts";
import { workflowRunShape, workflowShape } from "./action-routes.ts";
import { createCheck, NewCheck } from "./checks.ts";
import { limits } from "./limits.ts";
import {
  fullName,
  role,
  type Account,
  type App,
  type Installation,
  type Permissions,
  type Protection,
  type WorkflowRun,
} from "./state.ts";
import { account, addAccount, installationOf, repositoryNamed, type World } from "./world.ts";

export type RoleName = Parameters<typeof role>[0];

export type Settings = {
  /** Makes somebody. `role` is their role in every repository of an organization; a stranger's is left out. */
  person(
    login: string,
    made?: { readonly role?: RoleName; readonly association?: string; readonly type?: "User" | "Bot" },
  ): void;
  /** Somebody's role in one repository. */
  setRole(repository: string, login: string, to: RoleName): void;
  /** The new installation's id. `repositories` are full names; all unless given. */
  install(
    login: string,
    made?: { readonly repositories?: readonly string[]; readonly permissions?: Permissions },
  ): number;
  uninstall(installation: number): void;
  suspend(installation: number): void;
  unsuspend(installation: number): void;
  /** As after `new_permissions_accepted`: tokens that were made before keep the old set. */
  setPermissions(installation: number, to: Permissions): void;
  setRepositories(installation: number, to: readonly string[] | "all"): void;
  /** The installation that covers a repository. Throws where there is none. */
  installationOf(repository: string): number;
  /** A token without asking the API. All repositories and permissions of the installation unless told. */
  token(made?: {
    readonly repository?: string;
    readonly only?: readonly string[];
    readonly permissions?: Permissions;
  }): string;
  /** Every token made so far is refused from now on. */
  revokeTokens(): void;
  rename(repository: string, to: string): void;
  protect(repository: string, branch: string, how: Protection | "not"): void;
  archive(repository: string): void;
  switchIssuesOff(repository: string): void;
  /** A second hook, of the organisation, that hears the same under other delivery ids. Its payloads name no installation unless told. */
  organizationHook(login: string, how?: "as-app" | "absent"): void;
  /** A check run of another app, say of Actions; its id. */
  foreignCheck(repository: string, sha: string, name: string, conclusion?: "success" | "failure"): Promise<number>;
  /** Actions finished a run; its id. */
  workflowRun(repository: string, run: Omit<WorkflowRun, "id" | "repository" | "createdAt">): number;
  ping(): void;
};

const installationNumbered = (world: World, id: number): Installation => {
  const found = world.installations.get(id);
  if (found === undefined) throw new Error(`there is no installation ${id}`);
  return found;
};

function selected(world: World, names: readonly string[] | undefined): "all" | Set<number> {
  return names === undefined ? "all" : new Set(names.map((each) => repositoryNamed(world, each).id));
}

export function addInstallation(
  world: World,
  owner: Account,
  made: { readonly repositories?: readonly string[]; readonly permissions?: Permissions },
): Installation {
  const installation: Installation = {
    id: world.nextInstallationId(),
    account: owner,
    repositories: selected(world, made.repositories),
    permissions: made.permissions ?? world.app.permissions,
    suspendedAt: undefined,
    createdAt: world.now(),
  };
  world.installations.set(installation.id, installation);
  return installation;
}

function installationSettings(world: World) {
  const of = (id: number): Installation => installationNumbered(world, id);
  const covering = (name: string): Installation => {
    const found = installationOf(world, repositoryNamed(world, name));
    if (found === undefined) throw new Error(`the app is not installed on ${name}`);
    return found;
  };
  const say = (installation: Installation, action: string): void =>
    announceInstallation(world, installation, action, installation.account);
  return {
    install(login, made = {}) {
      const installation = addInstallation(world, account(world, login), made);
      say(installation, "created");
      return installation.id;
    },
    uninstall(id) {
      say(of(id), "deleted");
      world.installations.delete(id);
    },
    suspend(id) {
      of(id).suspendedAt = world.now();
      say(of(id), "suspend");
    },
    unsuspend(id) {
      of(id).suspendedAt = undefined;
      say(of(id), "unsuspend");
    },
    setPermissions(id, to) {
      of(id).permissions = to;
      say(of(id), "new_permissions_accepted");
    },
    setRepositories(id, to) {
      const installation = of(id);
      const covered = () =>
        [...world.repositories.values()].filter((each) => installationOf(world, each) === installation);
      const before = covered();
      installation.repositories = selected(world, to === "all" ? undefined : to);
      const after = covered();
      const tell = (action: "added" | "removed", repositories: typeof before): void => {
        if (repositories.length === 0) return;
        const listed = {
          repositories_added: [],
          repositories_removed: [],
          [`repositories_${action}`]: repositories.map(briefly),
        };
        const more = { repository_selection: to === "all" ? "all" : "selected", ...listed };
        announce(world, {
          event: "installation_repositories",
          action,
          sender: installation.account,
          installation,
          more,
        });
      };
      tell(
        "added",
        after.filter((each) => !before.includes(each)),
      );
      tell(
        "removed",
        before.filter((each) => !after.includes(each)),
      );
    },
    installationOf: (name) => covering(name).id,
    token({ repository = "acme/widgets", only, permissions } = {}) {
      const installation = covering(repository);
      const text = `ghs_${world.app.id}_${world.digits(`token given ${world.nextId("token")}`, 500)}`;
      const [createdAt, expiresAt] = [world.now(), world.now() + limits.tokenLifeMs];
      const repositories = only === undefined ? installation.repositories : selected(world, only);
      const token = {
        text,
        installation,
        repositories,
        permissions: permissions ?? installation.permissions,
        createdAt,
        expiresAt,
      };
      world.tokens.set(text, token);
      return text;
    },
    revokeTokens: () => world.tokens.clear(),
  } satisfies Partial<Settings>;
}

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

export function settings(world: World): Settings {
  return {
    ...installationSettings(world),
    person(login, { role: named, ...made } = {}) {
      addAccount(world, login, { ...made, role: named === undefined ? undefined : role(named) });
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
      const repository = repositoryNamed(world, name);
      const run = { ...given, id: world.nextId("workflowRun"), repository, createdAt: world.now() };
      world.workflowRuns.push(run);
      const more = { workflow_run: workflowRunShape(world, run), workflow: workflowShape(run) };
      announce(world, { event: "workflow_run", action: "completed", sender: actions.bot, repository, more });
      return run.id;
    },
    ping() {
      for (const installation of world.installations.values()) {
        const more = { zen: "Design for failure.", hook_id: 300_001, hook: { type: "App", app_id: world.app.id } };
        return announce(world, { event: "ping", sender: installation.account, installation, more });
      }
    },
  };
}
