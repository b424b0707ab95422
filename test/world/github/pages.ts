/** Pages of issues, pull requests and checks: for people to look at and write in, and for tests to take pictures of. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { Hono } from "hono";
import { html, raw } from "hono/html";
import { marked } from "marked";
import { ApiError } from "./answer.ts";
import { personOf } from "./people.ts";
import { fullName, type CheckRun, type Comment, type Issue, type Reaction, type Repository } from "./state.ts";
import { findRepository, iso, issueNumbered, type World } from "./world.ts";

const style = `
body { margin: 0; font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif, "Noto Color Emoji"; color: #1f2328; }
header { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 16px 32px; }
main { max-width: 960px; margin: 24px auto; padding: 0 16px; }
a { color: #0969da; text-decoration: none; }
h1 { font-weight: 400; font-size: 26px; margin: 0 0 8px; } h1 small { color: #59636e; font-weight: 300; }
.state { display: inline-block; color: #fff; background: #1f883d; border-radius: 2em; padding: 4px 12px; } .closed { background: #8250df; }
.label { border: 1px solid #d1d9e0; border-radius: 2em; padding: 1px 8px; margin-right: 4px; font-size: 12px; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; margin: 16px 0; } .box > .head { background: #f6f8fa; color: #59636e; padding: 8px 16px; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; }
.box > .markdown-body { padding: 16px; font-size: 14px; } .markdown-body { font-family: inherit; }
.foot { padding: 0 16px 12px; } textarea { width: 100%; box-sizing: border-box; height: 90px; } nav a { margin-right: 16px; }
`;
const marks: Readonly<Record<string, string>> = {
  "+1": "👍",
  "-1": "👎",
  laugh: "😄",
  confused: "😕",
  heart: "❤️",
  hooray: "🎉",
  rocket: "🚀",
  eyes: "👀",
};
const checkMarks: Readonly<Record<string, string>> = {
  success: "✅",
  failure: "❌",
  timed_out: "❌",
  neutral: "◻️",
  cancelled: "⊘",
  action_required: "❗",
};

/** GitHub breaks lines in comments where the text does, and in files not. */
const rendered = (text: string) => raw(marked.parse(text, { async: false, gfm: true, breaks: true }));

async function layout(title: string, repository: Repository | undefined, inside: unknown): Promise<Response> {
  const markdown = await readFile(
    fileURLToPath(import.meta.resolve("github-markdown-css/github-markdown-light.css")),
    "utf8",
  );
  const top = repository && html`<a href="/${fullName(repository)}">${fullName(repository)}</a>`;
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>${title}</title>
        <style>
          ${raw(markdown)}${raw(style)}
        </style>
      </head>
      <body>
        <header><a href="/">GitHub (stand-in)</a> ${top ?? ""}</header>
        <main>${inside}</main>
      </body>
    </html>`;
  return new Response(String(await page), {
    headers: {
      "content-type": "text/html; charset=utf-8",
      // What strangers write is shown as HTML; no script of theirs may run.
      "content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; img-src * data:; form-action 'self'",
    },
  });
}

function reactionsOf(reactions: readonly Reaction[]) {
  const kinds = [...new Set(reactions.map((each) => each.content))];
  return kinds.map(
    (kind) =>
      html`<span class="label"
        >${marks[kind] ?? kind} ${reactions.filter((each) => each.content === kind).length}</span
      >`,
  );
}

const box = (
  said: Pick<Comment, "author" | "body" | "createdAt" | "reactions"> & {
    readonly id?: string;
    readonly isEdited: boolean;
  },
) =>
  html` <div class="box" id="${said.id ?? "top"}">
    <div class="head">
      <b>${said.author.login}</b> ${said.author.type === "Bot" ? html`<span class="label">bot</span>` : ""} commented
      ${iso(said.createdAt)}${said.isEdited ? " · edited" : ""}
    </div>
    <div class="markdown-body">${said.body === "" ? html`<i>No description provided.</i>` : rendered(said.body)}</div>
    <div class="foot">${reactionsOf(said.reactions)}</div>
  </div>`;

function form(world: World, issue: Issue) {
  const people = [...world.accounts.values()].filter((each) => each.type === "User");
  return html`<form method="post" class="box">
    <div class="head">
      Comment as
      <select name="as">
        ${people.map((each) => html`<option>${each.login}</option>`)}
      </select>
    </div>
    <div class="foot">
      <p><textarea name="body" aria-label="Comment"></textarea></p>
      <button>Comment</button> ${issue.locked ? "This conversation is locked." : ""}
    </div>
  </form>`;
}

function heading(issue: Issue) {
  const { pull, repository, number } = issue;
  const state = pull?.mergedAt === undefined ? issue.state : "merged";
  const about =
    pull &&
    html`wants to merge into <code>${pull.base.branch}</code> from
      <code>${pull.head.repository.owner.login}:${pull.head.branch}</code>`;
  const page = `/${fullName(repository)}/pull/${number}`;
  return html`<h1>${issue.title} <small>#${number}</small></h1>
    <p>
      <span class="state ${issue.state}">${state}</span> <b>${issue.author.login}</b> ${about ?? ""}
      ${issue.labels.map((each) => html`<span class="label">${each.name}</span>`)}
    </p>
    ${pull ? html`<nav><a href="${page}">Conversation</a><a href="${page}/checks">Checks</a></nav>` : ""}`;
}

function conversation(world: World, issue: Issue) {
  const said = issue.comments.map((each) =>
    box({ ...each, id: `issuecomment-${each.id}`, isEdited: each.updatedAt > each.createdAt }),
  );
  const { pull } = issue;
  const lines = pull?.reviewComments.map((each) =>
    box({
      ...each,
      body: `\`${each.path}:${each.line}\`\n\n${each.body}`,
      id: `discussion_r${each.id}`,
      isEdited: false,
    }),
  );
  const checks = pull && issue.repository.checkRuns.filter((each) => each.sha === pull.head.sha).map(checkLine);
  return html`${heading(issue)}${box({ ...issue, id: "top", isEdited: false })}${said}${lines ?? ""}${
    checks
      ? html`<div class="box">
          <div class="head">Checks</div>
          <div class="foot">${checks}</div>
        </div>`
      : ""
  }${form(world, issue)}`;
}

const checkMark = (run: CheckRun): string =>
  run.status === "completed" ? (checkMarks[run.conclusion ?? ""] ?? "◻️") : "🟡";
const checkLine = (run: CheckRun) =>
  html`<p>
    ${checkMark(run)}
    <a href="/${fullName(run.repository)}/runs/${run.id}"><b>${run.name}</b></a> ${run.output?.title ?? run.status}
  </p>`;

/** Buttons show only after the run completes. */
function checkPage(run: CheckRun) {
  const buttons = run.status === "completed" ? run.actions : [];
  return html`<h1>
      ${checkMark(run)} ${run.name}
      <small>${run.status}${run.conclusion === undefined ? "" : `, ${run.conclusion}`} · ${run.sha.slice(0, 7)}</small>
    </h1>
    <div class="box">
      <div class="head"><b>${run.output?.title ?? "No title"}</b></div>
      <div class="markdown-body">${rendered(run.output?.summary ?? "")}${rendered(run.output?.text ?? "")}</div>
      <div class="foot">
        ${buttons.map((each) => html`<button title="${each.description}">${each.label}</button> `)}
      </div>
    </div>
    ${run.annotations.map(
      (each) =>
        html`<div class="box">
          <div class="head">${each.path}:${String(each["start_line"])} · ${String(each["annotation_level"])}</div>
          <div class="foot"><pre>${each.message}</pre></div>
        </div>`,
    )}`;
}

export function openPages(world: World): (request: Request) => Promise<Response> {
  const pages = new Hono();
  const missing = (): Promise<Response> =>
    layout("Not found", undefined, html`<h1>404</h1>`).then(
      (page) => new Response(page.body, { ...page, status: 404, headers: page.headers }),
    );
  const of = (owner: string, name: string): Repository | undefined => findRepository(world, `${owner}/${name}`);
  pages.get("/", () => {
    const all = [...world.repositories.values()];
    return layout(
      "Repositories",
      undefined,
      all.map((each) => html`<p><a href="/${fullName(each)}">${fullName(each)}</a></p>`),
    );
  });
  pages.get("/:owner/:name", (c) => {
    const repository = of(c.req.param("owner"), c.req.param("name"));
    if (repository === undefined) return missing();
    const lines = repository.issues
      .toReversed()
      .map(
        (each) =>
          html`<p>
            ${each.pull ? "⑂" : "⊙"}
            <a href="/${fullName(repository)}/${each.pull ? "pull" : "issues"}/${each.number}"
              >#${each.number} ${each.title}</a
            >
            ${each.state}
          </p>`,
      );
    return layout(fullName(repository), repository, lines);
  });
  pages.get("/:owner/:name/runs/:id", (c) => {
    const run = of(c.req.param("owner"), c.req.param("name"))?.checkRuns.find(
      (each) => each.id === Number(c.req.param("id")),
    );
    return run === undefined ? missing() : layout(run.name, run.repository, checkPage(run));
  });
  const issue = (c: { req: { param(name: string): string | undefined } }): Issue | undefined => {
    const repository = of(c.req.param("owner") ?? "", c.req.param("name") ?? "");
    return repository && issueNumbered(repository, Number(c.req.param("number")));
  };
  pages.get("/:owner/:name/pull/:number/checks", (c) => {
    const found = issue(c);
    const runs = found?.repository.checkRuns.filter((each) => each.sha === found.pull?.head.sha);
    return found === undefined
      ? missing()
      : layout(found.title, found.repository, html`${heading(found)}${runs?.map(checkPage)}`);
  });
  pages.get("/:owner/:name/:kind{issues|pull}/:number", (c) => {
    const found = issue(c);
    return found === undefined || found.deleted
      ? missing()
      : layout(found.title, found.repository, conversation(world, found));
  });
  pages.post("/:owner/:name/:kind{issues|pull}/:number", async (c) => {
    const found = issue(c);
    if (found === undefined) return missing();
    const given = await c.req.formData();
    try {
      personOf(world, String(given.get("as"))).comment(
        fullName(found.repository),
        found.number,
        String(given.get("body")),
      );
    } catch (error) {
      if (error instanceof ApiError) return c.text(error.message, 403);
      throw error;
    }
    return c.redirect(c.req.url, 303);
  });
  manifestFlow(world, pages);
  pages.notFound(missing);
  return async (request) => pages.fetch(request);
}

/** What a person does when a manifest is posted: agrees at once, and comes back with a code. */
function manifestFlow(world: World, pages: Hono): void {
  const agree = async (request: Request): Promise<Response> => {
    const manifest: unknown = JSON.parse(String((await request.formData()).get("manifest")));
    const back =
      manifest !== null && typeof manifest === "object" && "redirect_url" in manifest
        ? manifest.redirect_url
        : undefined;
    if (typeof back !== "string") return new Response("The manifest has no redirect_url.", { status: 422 });
    const code = world.digits(`manifest ${world.manifestCodes.size}`, 40);
    world.manifestCodes.set(code, back);
    const location = new URL(back);
    location.searchParams.set("code", code);
    const state = new URL(request.url).searchParams.get("state");
    if (state !== null) location.searchParams.set("state", state);
    return new Response(null, { status: 302, headers: { location: String(location) } });
  };
  pages.post("/settings/apps/new", (c) => agree(c.req.raw));
  pages.post("/organizations/:login/settings/apps/new", (c) => agree(c.req.raw));
}
