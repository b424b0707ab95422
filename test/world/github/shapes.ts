/** How accounts, apps, installations and repositories look in GitHub's JSON, in answers and payloads alike. */
import { accountAddresses, organizationAddresses, repositoryAddresses } from "./addresses.ts";
import { fullName, type Account, type App, type Installation, type Repository } from "./state.ts";
import { apiUrl, iso, type World } from "./world.ts";

export const node = (kind: string, id: number): string => Buffer.from(`${kind}_${id}`).toString("base64url");
export const isoOrNull = (instant: number | undefined): string | null => (instant === undefined ? null : iso(instant));

export function userShape(world: World, account: Account) {
  const url = `${apiUrl(world)}/users/${encodeURIComponent(account.login)}`;
  return {
    login: account.login,
    id: account.id,
    node_id: node("U", account.id),
    avatar_url: `${world.publicUrl}/avatars/u/${account.id}`,
    gravatar_id: "",
    url,
    ...accountAddresses(url),
    html_url: `${world.publicUrl}/${account.type === "Bot" ? `apps/${account.login.replace("[bot]", "")}` : account.login}`,
    type: account.type,
    user_view_type: "public",
    site_admin: false,
  };
}

/** An account alone, as its own address answers. */
export const profileShape = (world: World, account: Account) => ({
  ...userShape(world, account),
  name: account.login,
  company: null,
  blog: "",
  location: null,
  email: null,
  hireable: null,
  bio: null,
  public_repos: [...world.repositories.values()].filter((each) => each.owner === account && !each.private).length,
  public_gists: 0,
  followers: 0,
  following: 0,
  created_at: "2026-01-01T00:00:00Z",
  updated_at: "2026-01-01T00:00:00Z",
});

export function organizationShape(world: World, account: Account) {
  const url = `${apiUrl(world)}/orgs/${account.login}`;
  return {
    login: account.login,
    id: account.id,
    node_id: node("O", account.id),
    url,
    ...organizationAddresses(url),
    avatar_url: `${world.publicUrl}/avatars/u/${account.id}`,
    description: "",
  };
}

export function appShape(world: World, app: App = world.app) {
  return {
    id: app.id,
    slug: app.slug,
    client_id: app.clientId,
    node_id: node("A", app.id),
    owner: userShape(world, { ...app.bot, login: "parhelia-makers", id: 4242, type: "Organization" }),
    name: app.slug,
    description: "",
    external_url: world.publicUrl,
    html_url: `${world.publicUrl}/apps/${app.slug}`,
    created_at: "2026-01-01T00:00:00Z",
    updated_at: "2026-01-01T00:00:00Z",
    permissions: app.permissions,
    events: app.events,
    installations_count: world.installations.size,
  };
}

export function installationShape(world: World, installation: Installation) {
  const url = `${apiUrl(world)}/app/installations/${installation.id}`;
  return {
    id: installation.id,
    client_id: world.app.clientId,
    account: userShape(world, installation.account),
    repository_selection: installation.repositories === "all" ? "all" : "selected",
    access_tokens_url: `${url}/access_tokens`,
    repositories_url: `${apiUrl(world)}/installation/repositories`,
    html_url: `${world.publicUrl}/settings/installations/${installation.id}`,
    app_id: world.app.id,
    app_slug: world.app.slug,
    target_id: installation.account.id,
    target_type: installation.account.type,
    permissions: installation.permissions,
    events: world.app.events,
    created_at: iso(installation.createdAt),
    updated_at: iso(installation.createdAt),
    single_file_name: null,
    has_multiple_single_files: false,
    single_file_paths: [],
    suspended_by: null,
    suspended_at: isoOrNull(installation.suspendedAt),
  };
}

export const repositoryUrl = (world: World, repository: Repository): string =>
  `${apiUrl(world)}/repos/${fullName(repository)}`;

export function repositoryShape(world: World, repository: Repository): Record<string, unknown> {
  const url = repositoryUrl(world, repository);
  const page = `${world.publicUrl}/${fullName(repository)}`;
  const openIssues = repository.issues.filter((each) => each.state === "open").length;
  return {
    id: repository.id,
    node_id: node("R", repository.id),
    name: repository.name,
    full_name: fullName(repository),
    private: repository.private,
    visibility: repository.private ? "private" : "public",
    owner: userShape(world, repository.owner),
    html_url: page,
    description: null,
    fork: repository.parent !== undefined,
    url,
    ...repositoryAddresses(url),
    clone_url: `${page}.git`,
    ssh_url: `${page.replace(/^https?:\/\/([^/]+)\//, "git@$1:")}.git`,
    svn_url: page,
    mirror_url: null,
    homepage: null,
    language: null,
    license: null,
    git_url: `${page.replace(/^https?/, "git")}.git`,
    default_branch: repository.defaultBranch,
    archived: repository.archived,
    disabled: false,
    has_issues: repository.hasIssues,
    has_projects: true,
    has_downloads: true,
    has_wiki: true,
    has_pages: false,
    has_discussions: false,
    allow_forking: true,
    is_template: false,
    web_commit_signoff_required: false,
    topics: [],
    size: 1,
    forks: 0,
    forks_count: 0,
    stargazers_count: 0,
    watchers: 0,
    watchers_count: 0,
    open_issues: openIssues,
    open_issues_count: openIssues,
    created_at: iso(repository.createdAt),
    updated_at: iso(repository.createdAt),
    pushed_at: iso(repository.createdAt),
  };
}
