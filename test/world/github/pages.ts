/** Pages of issues, pull requests and checks: for people to look at and write in, and for tests to take pictures of. */
import { Hono } from "hono";
import { html } from "hono/html";
import { ApiError } from "./answer.ts";
import { checkPage, conversation, heading, layout } from "./page-views.ts";
import { personOf } from "./people.ts";
import { fullName, type Issue, type Repository } from "./state.ts";
import { findRepository, issueNumbered, type World } from "./world.ts";

export function openPages(world: World): (request: Request) => Promise<Response> {
  const pages = new Hono();
  const missing = (): Promise<Response> =>
    layout("Not found", undefined, html`<h1>404</h1>`).then(
      (page) => new Response(page.body, { status: 404, headers: page.headers }),
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
  pages.get("/_logs/:name", (c) => {
    const found = world.logAddresses.get(c.req.param("name"));
    return found === undefined || world.now() >= found.until ? c.text("", 404) : c.text(found.text);
  });
  pages.get("/:owner/:name", (c) => {
    const repository = of(c.req.param("owner"), c.req.param("name"));
    if (repository === undefined) return missing();
    const lines = repository.issues.toReversed().map(
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
    const code = world.digits(`manifest ${world.nextId("guid")}`, 40);
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
