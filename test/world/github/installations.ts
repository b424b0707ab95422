/** Installing the app, and what its owners change afterwards. */
import { installationShape } from "./shapes.ts";
import { announce, announceInstallation, briefly } from "./announce.ts";
import { limits } from "./limits.ts";
import type { Account, Installation, Permissions, Repository } from "./state.ts";
import { account, installationOf, repositoryNamed, type World } from "./world.ts";

export type InstallationSettings = {
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

/** Another choice of repositories, told as what came and what went. */
function select(world: World, installation: Installation, to: readonly string[] | "all"): void {
  const covered = () => [...world.repositories.values()].filter((each) => installationOf(world, each) === installation);
  const before = covered();
  installation.repositories = selected(world, to === "all" ? undefined : to);
  const after = covered();
  const tell = (action: "added" | "removed", repositories: readonly Repository[]): void => {
    if (repositories.length === 0) return;
    const none = { repositories_added: [], repositories_removed: [] };
    const more = {
      repository_selection: to === "all" ? "all" : "selected",
      ...none,
      installation: installationShape(world, installation),
      requester: null,
      [`repositories_${action}`]: repositories.map(briefly),
    };
    const sender = installation.account;
    announce(world, { event: "installation_repositories", action, sender, installation, more });
  };
  tell(
    "added",
    after.filter((each) => !before.includes(each)),
  );
  tell(
    "removed",
    before.filter((each) => !after.includes(each)),
  );
}

export function installationSettings(world: World): InstallationSettings {
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
    setRepositories: (id, to) => select(world, of(id), to),
    installationOf: (name) => covering(name).id,
    token: ({ repository = "acme/widgets", only, permissions } = {}) => {
      const installation = covering(repository);
      const text = `ghs_${world.app.id}_${world.digits(`token given ${world.nextId("token")}`, 500)}`;
      world.tokens.set(text, {
        text,
        installation,
        repositories: only === undefined ? installation.repositories : selected(world, only),
        permissions: permissions ?? installation.permissions,
        createdAt: world.now(),
        expiresAt: world.now() + limits.tokenLifeMs,
      });
      return text;
    },
    revokeTokens: () => world.tokens.clear(),
  };
}
