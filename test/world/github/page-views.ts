/** How the pages look. What strangers wrote is shown as GitHub shows it, and none of it may run. */
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { html, raw } from "hono/html";
import { marked } from "marked";
import { fullName, type CheckRun, type Comment, type Issue, type Reaction, type Repository } from "./state.ts";
import { iso, type World } from "./world.ts";

const style = `
body { margin: 0; font: 14px/1.5 -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif, "Noto Color Emoji"; color: #1f2328; }
header { background: #f6f8fa; border-bottom: 1px solid #d1d9e0; padding: 16px 32px; }
main { max-width: 960px; margin: 24px auto; padding: 0 16px; }
a { color: #0969da; text-decoration: none; }
h1 { font-weight: 400; font-size: 26px; margin: 0 0 8px; } h1 small { color: #59636e; font-weight: 300; }
.state { display: inline-block; color: #fff; background: #1f883d; border-radius: 2em; padding: 4px 12px; } .closed { background: #8250df; }
.label { border: 1px solid #d1d9e0; border-radius: 2em; padding: 1px 8px; margin-right: 4px; font-size: 12px; }
.box { border: 1px solid #d1d9e0; border-radius: 6px; margin: 16px 0; } .box > .head { background: #f6f8fa; color: #59636e; padding: 8px 16px; border-bottom: 1px solid #d1d9e0; border-radius: 6px 6px 0 0; }
.box > .markdown-body { padding: 16px; font-size: 14px; } .markdown-body { font-family: inherit; } .markdown-body li:has(> input) { list-style: none; margin-left: -1.4em; }
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

export async function layout(title: string, repository: Repository | undefined, inside: unknown): Promise<Response> {
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

export function heading(issue: Issue) {
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

export function conversation(world: World, issue: Issue) {
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
export function checkPage(run: CheckRun) {
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
