/**
 * Case 21 through the real service: secrets that stand in a checkout are printed by a command and said by an agent, in the
 * forms in which programs write them, and are looked for in everything that the service shows, says and keeps.
 */
import { execFileSync, spawnSync } from "node:child_process";
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { redactedMark } from "../../src/core/redact.ts";
import { cli, path } from "../e2e/child.ts";
import { needsClaude, openStage, type Secrets, type Stage } from "../e2e/service.ts";
import { say } from "../world/model-script.ts";
import { needs } from "../world/needs.ts";
import { formsOf, holds, leaksIn, linesOf, plantedFrom, type Planted } from "./redaction-forms.ts";

const ready = needs("git") && needs("bwrap");

/** `printf %s` starts a write of its own for each half. */
const script = (planted: Planted, privateKey: string): string => `
echo the environment begins; env | sort; echo the environment ends
cat forms.txt
${Object.values(planted)
  .map((secret) => `printf 'split|%s' '${secret.slice(0, 15)}'; sleep 0.2; printf '%s|whole\\n' '${secret.slice(15)}'`)
  .join("\n")}
printf 'key|%s|key\\n' '${privateKey.replaceAll("\n", String.raw`\n`)}'
printf '%s' '${privateKey}' | base64
# Whatever token of the attempt can be reached, and the one that git gets.
for each in /proc/[0-9]*; do tr '\\0' '\\n' <$each/environ 2>/dev/null; done | grep -o 'pa_t_.*' | sort -u >own || true
printf 'url=%s/acme/widgets.git\\n\\n' "$WEB" | git credential fill 2>/dev/null | grep -o 'ghs_.*' >minted || true
echo "own: $(wc -l <own) minted: $(wc -l <minted)"
cat own minted; base64 own; base64 -w0 minted; echo
rm -f own minted
echo done >made.txt
echo the very last line
`;

/** Everything that the service has shown, said and kept, by where. */
async function everywhere(stage: Stage): Promise<Record<string, string>> {
  const { github, root, issue } = stage;
  const state = join(root, ".parhelia");
  const kept = readdirSync(state).filter((name) => name.startsWith("orchestrator.db"));
  expect(kept).toContain("orchestrator.db");
  const page = async (name: string): Promise<string> => (await fetch(new URL(name, String(github.target)))).text();
  const pulls = github.pulls("acme/widgets");
  return {
    comments: [...github.issues("acme/widgets"), ...pulls].map(({ body }) => body).join("\n"),
    "the issue's comments": github
      .comments("acme/widgets", issue)
      .map(({ body }) => body)
      .join("\n"),
    "check runs": JSON.stringify(github.checkRuns("acme/widgets")),
    events: JSON.stringify(await stage.events()),
    "the view": JSON.stringify(await stage.view()),
    "the log": stage.said.join("\n"),
    pages: (await Promise.all(["/healthz", "/readyz"].map(page))).join("\n"),
    ...Object.fromEntries(kept.map((name) => [name, readFileSync(join(state, name), "latin1")])),
  };
}

async function expectNowhere(stage: Stage, planted: Planted): Promise<Record<string, string>> {
  // What looks for them finds them where they are.
  for (const secret of Object.values(planted))
    expect(formsOf(secret).filter((form) => !holds(form, secret))).toEqual([]);
  const places = await everywhere(stage);
  expect(leaksIn(places, planted)).toEqual([]);
  return places;
}

test.skipIf(!ready)(
  "case 21: what a command prints of secrets is nowhere, and all else that it prints is there",
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    const stage = await openStage(onTestFinished, { script: say("Nobody asks") });
    const planted = plantedFrom(stage.secrets);
    const forms = linesOf(planted);
    await stage.github.repository("acme/widgets", {
      "print.sh": `WEB=${stage.github.publicUrl}\n${script(planted, stage.secrets.privateKey)}`,
      "forms.txt": `${forms.join("\n")}\n`,
    });
    await stage.start();
    await stage.comment("/parhelia run -- sh print.sh");
    const { task } = await stage.ended(60_000);
    expect(task).toMatchObject({ state: "succeeded" });
    const printed = (await stage.events()).map(({ event }) => event.message);

    // Nothing was to be taken out of the environment, as no secret was in it.
    const environment = printed.slice(
      printed.indexOf("the environment begins"),
      printed.indexOf("the environment ends"),
    );
    expect(environment.length).toBeGreaterThan(8);
    expect(environment.join("\n")).not.toContain(redactedMark);

    const ofForms = printed.filter((line) => line.startsWith("before|"));
    expect(ofForms).toHaveLength(forms.length);
    // At both ends of base64 stand up to four characters that are of the neighbours too.
    for (const line of ofForms)
      expect(line).toMatch(/^before\|(?:\{"body":"\{\\"secret\\":\\")?.{0,4}\[redacted\].{0,4}(?:\\"\}"\})?\|after$/);
    expect(printed.filter((line) => line.startsWith("split|"))).toEqual(
      Object.keys(planted).map(() => `split|${redactedMark}|whole`),
    );
    expect(printed.filter((line) => line.startsWith("key|"))).toEqual([
      expect.stringMatching(/^key\|\[redacted\](?:\\n)?\|key$/),
    ]);
    expect(printed).toContain("the very last line");
    const counted = printed.find((line) => line.startsWith("own: "));
    console.log(
      `redaction: ${forms.length} forms of ${Object.keys(planted).length} secrets; of the sandbox's ${counted}`,
    );

    const places = await expectNowhere(stage, planted);
    expect(places["the issue's comments"]).toContain(task.id);
    for (const place of ["events", "check runs"]) expect(places[place], place).toContain(task.id);
    // Those that the sandbox held are not known here, only how they begin.
    expect(Object.values(places).join("\n")).not.toMatch(
      /pa_t_[a-z0-9]{8}-\d+\.|ghs_[\w.-]{16}|cGFfdF[\w+/]{16}|Z2hzX[\w+/]{16}/,
    );
    await stage.expectNothingLeft();
    await expectStillNowhere(stage, planted);
  },
);

/** When the service is stopped its last writes have reached the file. */
async function expectStillNowhere({ root, view }: Stage, planted: Planted): Promise<void> {
  const files = ["orchestrator.db", "orchestrator.db-wal"].map((name) => join(root, ".parhelia", name));
  const file = files.map((name) => (existsSync(name) ? readFileSync(name, "latin1") : "")).join("");
  expect(file).toContain((await view()).task.id);
  expect(file).toContain(redactedMark);
  for (const [name, secret] of Object.entries(planted)) expect(holds(file, secret), name).toBe(false);
}

test.skipIf(!ready || !needsClaude())(
  "case 21: what an agent says of secrets is nowhere, and all else that it says is told",
  { timeout: 120_000 },
  async ({ onTestFinished }) => {
    // Known only when the stage is there.
    let words = "";
    const stage = await openStage(onTestFinished, { script: (asked) => say(words)(asked) });
    const planted = plantedFrom(stage.secrets);
    words = `What I found begins.\n\n${linesOf(planted).slice(0, 40).join("\n")}\n\n${stage.secrets.privateKey}\nWhat I found ends.`;
    await stage.github.repository("acme/widgets", { "sum.js": "1\n" });
    await stage.start();
    await stage.comment("/parhelia run what do you know?");
    await stage.ended(60_000);
    const said = (await stage.events()).map(({ event }) => event).filter(({ type }) => type === "agent_text");
    expect(said.map(({ message }) => message).join("\n")).toMatch(
      /^What I found begins\.\n\nbefore\|\[redacted\]\|after\n[\s\S]*\[redacted\]\n\nWhat I found ends\.$/,
    );
    const places = await expectNowhere(stage, planted);
    expect(places["the issue's comments"]).toContain("What I found begins");
    expect(places["the issue's comments"]).toContain("redacted");
    await stage.expectNothingLeft();
    await expectStillNowhere(stage, planted);
  },
);

test.skipIf(!ready)(
  "case 21: what a command at a terminal prints of secrets is neither on the screen nor in the store",
  { timeout: 120_000 },
  ({ onTestFinished }) => {
    const directory = mkdtempSync(join(tmpdir(), "parhelia-redaction-"));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const secrets: Secrets = {
      modelKey: `sk-ant-${randomBytes(20).toString("hex")}`,
      webhookSecret: randomBytes(20).toString("hex"),
      privateKey: privateKey.export({ type: "pkcs1", format: "pem" }).toString(),
    };
    const planted = plantedFrom(secrets);
    writeFileSync(join(directory, "forms.txt"), `${linesOf(planted).join("\n")}\n`);
    writeFileSync(join(directory, "key.pem"), secrets.privateKey);
    for (const args of [
      ["init", "-q"],
      ["add", "-A"],
      ["commit", "-qm", "base"],
    ])
      execFileSync("git", ["-c", "user.name=dana", "-c", "user.email=dana@example.org", ...args], { cwd: directory });
    const parhelia = (...args: string[]): string => {
      const { stdout, stderr } = spawnSync(process.execPath, [cli, ...args], {
        cwd: directory,
        encoding: "utf8",
        env: {
          PATH: path,
          HOME: directory,
          PARHELIA_SANDBOX_CPU: "1",
          PARHELIA_SANDBOX_MEMORY: "512MiB",
          ANTHROPIC_API_KEY: secrets.modelKey,
          PARHELIA_GITHUB_WEBHOOK_SECRET: secrets.webhookSecret,
          // A file that the configuration names, as operators do it.
          PARHELIA_GITHUB_PRIVATE_KEY_PATH: join(directory, "key.pem"),
        },
      });
      return stdout + stderr;
    };
    const places = {
      "the screen": parhelia("run", "--", "sh", "-c", "cat forms.txt; base64 key.pem; echo the very last line; false"),
      status: parhelia("status"),
      json: parhelia("status", "--json"),
      file: readFileSync(join(directory, ".parhelia", "orchestrator.db"), "latin1"),
    };
    expect(leaksIn(places, planted)).toEqual([]);
    for (const place of ["the screen", "json", "file"] as const) {
      expect(places[place], place).toContain(redactedMark);
      expect(places[place], place).toContain("the very last line");
    }
    expect(places["the screen"]).toContain(`before|${redactedMark}|after`);
  },
);

test(
  "a service that breaks down says so in its log, without the secret that broke it",
  { timeout: 60_000 },
  async ({ onTestFinished }) => {
    const stage = await openStage(onTestFinished, { script: say("Nobody asks"), isolation: "none" });
    const sign = join(stage.root, "break-down");
    const breaking = `import { existsSync } from "node:fs";
      setInterval(() => {
        if (existsSync(${JSON.stringify(sign)})) throw new Error("cannot use " + process.env.ANTHROPIC_API_KEY);
      }, 50);`;
    await stage.start(["--import", `data:text/javascript,${encodeURIComponent(breaking)}`]);
    writeFileSync(sign, "");
    await stage.exited();
    const said = stage.said.join("\n");
    expect(said).toContain(`cannot use ${redactedMark}`);
    expect(said).toContain("the service broke down");
    expect(holds(said, stage.secrets.modelKey)).toBe(false);
  },
);
