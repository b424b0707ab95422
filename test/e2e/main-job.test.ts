/** The main job with everything real but GitHub and the model: from a comment to the pull request. */
import { expect, test } from "vitest";
import { dollars, minus } from "../../src/core/money.ts";
import { fixFile } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { needsClaude, openStage, type Stage } from "./service.ts";

const ready = needs("git") && needsClaude();

const fix = fixFile({
  path: "sum.js",
  from: "a - b",
  to: "a + b",
  summary: "The sum adds now.",
  run: "git diff --stat",
});
const before = "export const sum = (a, b) => a - b;\n";

const isolations = [...(needs("bwrap") ? (["bubblewrap"] as const) : []), "none" as const];

test.skipIf(!ready).for(isolations)(
  "a comment becomes a pull request with the agent's edit, and the cost is the bill (%s)",
  { timeout: 60_000 },
  async (isolation, { onTestFinished }) => {
    const stage = await openStage(onTestFinished, { script: fix, isolation, pricePerHour: 3.6 });
    const { github, model } = stage;
    await github.repository("acme/widgets", { "sum.js": before });
    await stage.start();
    await stage.comment("/parhelia run fix the sum\n\nOne and one should be two.");
    const { task, spent, model: ofModel, attempt } = await stage.ended(40_000);

    expect(task).toMatchObject({ state: "succeeded", attempts: 1 });
    const [pull, ...others] = github.pulls("acme/widgets");
    expect(others).toEqual([]);
    expect(pull).toMatchObject({ author: "parhelia[bot]", state: "open", pull: { base: "main" } });
    const files = await github.files("acme/widgets", pull?.pull.headSha);
    expect(files["sum.js"]).toMatchObject({ text: "export const sum = (a, b) => a + b;\n" });
    expect(Object.keys(files)).toEqual(Object.keys(await github.files("acme/widgets")));

    const comments = github.comments("acme/widgets", stage.issue).filter((each) => each.author === "parhelia[bot]");
    expect(comments).toHaveLength(1);
    expect(comments[0]?.body).toContain("> The sum adds now");
    expect(comments[0]?.body).toContain(`#${pull?.number}`);
    expect(comments[0]?.body).toContain(dollars(spent));
    const checks = github.checkRuns("acme/widgets");
    expect(checks).toHaveLength(1);
    expect(checks[0]).toMatchObject({ sha: pull?.pull.headSha, name: "parhelia", conclusion: "success" });

    expect(model.calls.length).toBeGreaterThanOrEqual(4);
    expect(ofModel).toBe(model.bill());
    // $3.60 an hour is a micro-dollar for each millisecond.
    const lived = (attempt?.endedAt ?? 0) - (attempt?.createdAt ?? 0);
    expect(lived).toBeGreaterThan(0);
    expect(minus(spent, ofModel)).toBe(lived);
    await stage.expectNothingLeft();
  },
);

/** A pattern for grep that matches the text, and not itself. */
const pattern = (text: string): string => `[${text.slice(0, 1)}]${text.slice(1).replaceAll(/[.*[\]^$\\]/g, "\\$&")}`;

/** Looks for secrets in all that the jail shows, then for what git's credential helper gives, and tries to write with it. */
const look = ({ publicUrl }: { publicUrl: string }, startS: number): string => `
exec 2>/dev/null
# The machine's own programs are older than any secret of this test.
{
  grep -rlaD skip -f patterns.txt / --exclude-dir=proc --exclude-dir=sys --exclude-dir=dev --exclude-dir=usr
  find /usr -type f -newermt @${startS} -exec grep -laf patterns.txt {} +
} >/tmp/found
{
  env
  cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline | tr '\\0' '\\n'
  git config --list
  cat ~/.gitconfig .git/config
} >/tmp/seen
# "localhost" in it would send what is meant for GitHub's stand-in past the way out.
export no_proxy=127.0.0.1 NO_PROXY=127.0.0.1
printf 'url=${publicUrl}/acme/widgets.git\\n\\n' | git credential fill >/tmp/credential
git ls-remote origin HEAD >/tmp/read
git push origin HEAD:refs/heads/from-inside >/tmp/pushed 2>&1
token=$(sed -n s/^password=//p /tmp/credential)
curl -s -w '%{http_code}\\n' -H "authorization: token $token" -d '{"title":"from inside"}' \\
  ${publicUrl}/api/v3/repos/acme/widgets/issues >/tmp/posted
# A result with a token in it is not published.
rev </tmp/credential >credential
sed 's/pa_t_[^ ]*/its-own-token/' </tmp/seen >seen
cp /tmp/found /tmp/read /tmp/pushed /tmp/posted .
`;

test.skipIf(!needs("git") || !needs("bwrap"))(
  "nothing in the jail can spend money elsewhere or write to GitHub",
  { timeout: 60_000 },
  async ({ onTestFinished }) => {
    const startS = Math.floor(Date.now() / 1000);
    const stage = await openStage(onTestFinished, { script: fix });
    const { github, secrets } = stage;
    const lineOfKey = secrets.privateKey.split("\n")[5] ?? "";
    const tokens = `ghs_${github.app.id}_`;
    const patterns = [secrets.modelKey, secrets.webhookSecret, lineOfKey, tokens, "canary-in-a-file"].map(pattern);
    const head = await github.repository("acme/widgets", {
      "look.sh": look(github, startS),
      "patterns.txt": `${patterns.join("\n")}\n`,
      "canary.txt": "canary-in-a-file\n",
    });
    await stage.start();
    await stage.comment("/parhelia run -- sh look.sh");
    expect((await stage.ended(40_000)).task).toMatchObject({ state: "succeeded" });
    const [pull] = github.pulls("acme/widgets");
    const files = await github.files("acme/widgets", pull?.pull.headSha);
    const text = (name: string): string => files[name]?.text ?? `there is no ${name}`;

    expect(text("found"), "files with a secret in them").toBe("/workspace/canary.txt\n");
    expect(text("seen")).toContain("ANTHROPIC_API_KEY=placeholder");
    expect(text("seen")).toContain("helper =");
    for (const secret of [secrets.modelKey, secrets.webhookSecret, lineOfKey, tokens])
      expect(text("seen")).not.toContain(secret);

    // What the helper gives reads the repository, and that is all.
    const backwards = (line: string): string => Array.from(line).toReversed().join("");
    const credential = text("credential").split("\n").map(backwards).join("\n");
    const [, token = ""] = /^password=(ghs_\S+)$/m.exec(credential) ?? [];
    expect(text("read")).toBe(`${head}\tHEAD\n`);
    expect(text("pushed")).toContain("403");
    expect(text("posted")).toMatch(/Resource not accessible by integration[\s\S]*\n?403\n$/);
    expect(await call(stage, token, "/repos/acme/widgets/issues")).toBe(200);
    const ref = { ref: "refs/heads/from-outside", sha: head };
    expect(await call(stage, token, "/repos/acme/widgets/issues", { title: "from outside" })).toBe(403);
    expect(await call(stage, token, "/repos/acme/widgets/git/refs", ref)).toBe(403);
    expect(await call(stage, token, "/repos/acme/widgets/check-runs", { name: "x", head_sha: head })).toBe(403);
    expect(github.issues("acme/widgets").map(({ author }) => author)).toEqual(["dana", "parhelia[bot]"]);
    expect(await github.branches("acme/widgets")).toEqual(["main", pull?.pull.head.split(":")[1]]);
    await stage.expectNothingLeft();
  },
);

/** The status that GitHub answers to this token. */
async function call({ apiUrl }: Stage, token: string, path: string, body?: object): Promise<number> {
  const headers = { authorization: `token ${token}` };
  const how = body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) };
  return (await fetch(`${apiUrl}${path}`, how)).status;
}
