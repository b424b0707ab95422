/** What a repository's settings say, what they make of a request, and what is told to whoever wrote something else. */
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { readSettings } from "../../src/commands/settings-file.ts";
import { minuteMs } from "../../src/core/instant.ts";
import { usd } from "../../src/core/money.ts";
import { heldTo, type Network } from "../../src/core/network.ts";
import { Refusal } from "../../src/core/refusal.ts";
import { applied, confirmAbove, loweredBy, type Ask, type Operator } from "../../src/core/settings/applied.ts";
import { splitSettings } from "../../src/core/settings/beside-service.ts";
import { labelSpec } from "../../src/core/settings/label-spec.ts";
import { SettingsFile } from "../../src/core/settings/schema.ts";
import { defaultSettings, labelNamed, problemWords, type Settings } from "../../src/core/settings/settings.ts";
import { tomlPlaces } from "../../src/core/toml-places.ts";
import { firstSettings } from "../../src/terminal/first-settings.ts";
import { settingsSchema } from "../../src/terminal/settings-file.ts";

function settings(text: string): Settings {
  const read = readSettings(text);
  if (!read.ok) throw new Error(read.problems.map(problemWords).join("\n"));
  return read.settings;
}

/** `12 sandbox.cpu: …` for each problem. */
function problems(text: string): string[] {
  const read = readSettings(text);
  return read.ok ? [] : read.problems.map((problem) => `${problem.line} ${problemWords(problem)}`);
}

describe("the file", () => {
  test("an empty one says what no file says", () => {
    expect(settings("")).toEqual(defaultSettings());
    expect(defaultSettings()).toMatchObject({
      who: { agent: { role: "write", users: [], bots: [] } },
      instructions: { claude_md: false, claude_settings: false },
      publish: { draft: false, branch_prefix: "parhelia/" },
      failures: { workflows: ["image-rebuild.yml", "e2e-modal.yml"] },
    });
    expect([...defaultSettings().labels.keys()]).toEqual([
      "parhelia",
      "parhelia:gpu-a10g",
      "parhelia:gpu-a100",
      "parhelia:gpu-h100",
    ]);
  });

  test("a known label takes what is said and keeps the rest; one can be switched off; case makes no difference", () => {
    const read = settings(
      '[labels."Parhelia:GPU-a100"]\ntimeout = "4h"\n[labels."parhelia:gpu-h100"]\nenabled = false\n',
    );
    expect(labelNamed(read, "parhelia:gpu-A100")).toEqual({ gpu: ["A100"], timeout: 240 * minuteMs });
    expect(labelNamed(read, "parhelia:gpu-h100")).toBeUndefined();
    expect(labelNamed(read, "bug")).toBeUndefined();
    expect(read.labels.size).toBe(3);
  });

  test("one GPU and a list of them are read alike, in the words of Modal", () => {
    expect(settings('[sandbox]\ngpu = "a10g"').sandbox.gpu).toEqual(["A10"]);
    expect(settings('[sandbox]\ngpu = ["H100:2", "A100"]\nmax_wait = "10m"').sandbox).toMatchObject({
      gpu: ["H100:2", "A100"],
      max_wait: 10 * minuteMs,
    });
  });

  test.each<[text: string, said: string]>([
    ["[sandbox]\ncpuu = 1", "2 sandbox.cpuu: there is no such key. Did you mean cpu?"],
    ["[sandboxes]\n", "1 sandboxes: there is no such section here. Did you mean sandbox?"],
    [
      '[who.agent]\nrole = "wrte"',
      '2 who.agent.role: "wrte" is not known here. It can be: triage, write, maintain, admin. Did you mean write?',
    ],
    [
      '[who.agent]\nrole = "read"',
      '2 who.agent.role: "read" is not known here. It can be: triage, write, maintain, admin.',
    ],
    ["who = 3", "1 who: 3 is not a table."],
    ["[sandbox]\ntimeout = 90", "2 sandbox.timeout: 90 is not text. It is: time for the work, such as 30m or 1h30m."],
    [
      '[sandbox]\nmemory = "much"',
      "2 sandbox.memory: `much` is not an amount of memory. Write it like `8` (GiB), `8GiB` or `512MiB`.",
    ],
    [
      '[sandbox]\ngpu = "H100"\nmax_wait = "5m"',
      "3 sandbox.max_wait: a wait is for a list of GPUs. Give `gpu` a list, or remove this key.",
    ],
    [
      "[sandbox]\ngpu = []",
      "2 sandbox.gpu: an empty list is too short. It is: a GPU such as H100 or H100:2, or a list of them, the one to try first in front.",
    ],
    [
      '[sandbox]\nallow_hosts = ["a.example"]',
      '2 sandbox.allow_hosts: hosts count with `network = "list"` alone. Add that line, or remove the hosts.',
    ],
    ['[sandbox]\nsecrets = ["GH_TOKEN"]', '2 sandbox.secrets: "GH_TOKEN" is reserved. Give the secret another name.'],
    [
      '[sandbox]\nsecrets = ["PARHELIA_TOKEN"]',
      '2 sandbox.secrets: "PARHELIA_TOKEN" is reserved. Give the secret another name.',
    ],
    [
      '[labels.x]\nargv = ["a"]\ninstruction = "b"',
      "2 labels.x.argv: a label has an instruction or a command, one of the two. Remove one.",
    ],
    [
      '[labels.x]\nbudget = "$9"\n[budget]\ntask = "$5"',
      "2 labels.x.budget: this is above `budget.task`. Lower it, or raise that one.",
    ],
    ["[labels.x]\n[labels.X]", "2 labels.X: this label stands here twice, and case makes no difference. Remove one."],
    [
      '[agent]\nmodel = "a"\nmodels = ["b"]',
      "2 agent.model: this model is not among `agent.models`. Add it there, or choose one of them.",
    ],
    [
      '[publish]\nbranch_prefix = "../"',
      '2 publish.branch_prefix: "../" is no such prefix. Write it like `parhelia/`.',
    ],
    [
      '[publish]\nreviewers = ["@dana"]',
      '2 publish.reviewers: "@dana" is no login and no team. Write `dana` or `acme/reviewers`.',
    ],
    [
      '[publish]\nlabels = ["bug", "Parhelia:GPU-a100"]',
      "2 publish.labels: a label that starts work would start it on its own result. Choose another.",
    ],
    [
      '[failures]\nworkflows = ["../x.yml"]',
      '2 failures.workflows: "../x.yml" is no file of a workflow. Write its name below .github/workflows, such as `ci.yml`.',
    ],
    ["[budget]\ntask = { a = 1 }", "2 budget.task: this table does not fit. It is: what one task may cost at most."],
    ["a = \n", "1 Invalid TOML document: invalid value."],
    ["__proto__.x = 1", "1 Invalid TOML document: document contains an unsafe property."],
  ])("%j is told with its line and what to do", (text, said) => {
    expect(problems(text)).toEqual([said]);
  });

  test("all problems are told at once, in the order of the lines, wherever they are written", () => {
    const text = `# A comment with [sandbox] in it
budget.task = "$3"

[labels."parhelia:gpu-a100"]   # a header
instruction = """
[who.agent]
role = "x"
"""
budget = "$50"
[who]
agent = { role = "boss", users = [
  1,
] }
[sandbox]
'cpu' = -1
gpu = [ "A100", # one
  "nothing" ]
`;
    expect(problems(text)).toEqual([
      '11 who.agent.role: "boss" is not known here. It can be: triage, write, maintain, admin.',
      "15 sandbox.cpu: `-1` is not a number of CPU cores. Write it like `2` or `0.5`.",
      expect.stringMatching(/^16 sandbox\.gpu: There is no GPU `nothing`\. /),
    ]);
  });

  test("lines are found in the other ways to write TOML, and the nearest line around where not", () => {
    const at = tomlPlaces(
      "\ufeff# x\r\na.b.c = 1\r\n[[list]]\r\nk = '''\r\n[no]\r\n'''\r\n[[list]]\r\nk = 2\r\n[\"q \\\"u\\u0041\"]\r\nz = {\r\n}\r\n",
    );
    expect(at(["a", "b", "c"])).toBe(2);
    expect(at(["list", 0, "k"])).toBe(4);
    expect(at(["list", 1, "k"])).toBe(8);
    expect(at(['q "uA', "z", "deep"])).toBe(10);
    expect(at(["nowhere"])).toBe(1);
  });

  test("the largest hostile file is refused in little time", () => {
    const size = 64 * 1024 - 20;
    for (const text of [
      "[".repeat(size),
      `a = ${"[".repeat(size)}`,
      `a = """${'\\"'.repeat(size / 2 - 10)}"""`,
      "x = 1\n".repeat(5),
      `[${"a.".repeat(size / 2 - 2)}a]`,
      `[labels]\n${"'".repeat(size - 20)}`,
    ]) {
      const before = performance.now();
      expect(readSettings(text).ok, text.slice(0, 20)).toBe(false);
      expect(performance.now() - before).toBeLessThan(2000);
    }
    expect(problems("#".repeat(64 * 1024 + 1))).toEqual(["1 the file has more than 64 KiB. Shorten it."]);
  });
});

describe("the schema for editors", () => {
  const fromJson = z.fromJSONSchema(JSON.parse(JSON.stringify(settingsSchema())));
  /** Every setting of the first file, without the marks of a comment. */
  const everything = firstSettings.replaceAll(/^# (?=\[|[a-z_]+ = )/gm, "");

  test("what `parhelia init` writes passes, as it stands and with every setting in force", async () => {
    const { parse } = await import("smol-toml");
    expect(problems(firstSettings)).toEqual([]);
    expect(settings(firstSettings)).toEqual(defaultSettings());
    expect(problems(everything)).toEqual([]);
    expect(fromJson.safeParse(parse(everything)).error).toBeUndefined();
    const shown = new Set(everything.match(/^[a-z_]+(?= = )/gm));
    const keys = Object.values(SettingsFile.shape).flatMap((section) =>
      JSON.stringify(z.toJSONSchema(section, { io: "input" })),
    );
    const known = new Set(
      keys.flatMap((text) =>
        Array.from(
          text.matchAll(/"(\w+)":\{"(?:description|default|type|anyOf|minItems|maxItems|pattern)/g),
          ([, key]) => key,
        ),
      ),
    );
    expect([...shown].filter((key) => !known.has(key))).toEqual([]);
  });

  test("what the reader refuses by its form, the schema refuses too", () => {
    for (const wrong of [
      { sandbox: { cpuu: 1 } },
      { server: {} },
      { who: { agent: { role: "read" } } },
      { sandbox: { timeout: 90 } },
      { labels: { x: { argv: [] } } },
    ])
      expect(fromJson.safeParse(wrong).success, JSON.stringify(wrong)).toBe(false);
  });
});

const operator: Operator = {
  models: ["claude-opus-5-5", "claude-sonnet-5-5"],
  network: { reaches: "list", hosts: ["registry.example.org", "*.example.net"] },
  secrets: ["Acme/Widgets:NPM_TOKEN", "acme/other:DEPLOY_KEY"],
};
const spec: Ask["spec"] = {
  work: { kind: "agent", instruction: "fix it", body: "", model: null },
  timeoutMs: 60 * minuteMs,
  budget: usd(5),
  resources: { cpu: 2, memoryMiB: 4096 },
  ref: null,
  publish: true,
};
/** What nobody names and no setting changes. */
const granted = { ...spec, network: operator.network };
const ask = (more: Partial<Ask> = {}): Ask => ({
  spec,
  named: new Set(),
  by: { id: 7, role: "write", kind: "person" },
  where: "acme/widgets",
  ...more,
});
const withModel = (model: string | null): Ask["spec"] => ({
  ...spec,
  work: { ...spec.work, model } as Ask["spec"]["work"],
});
const said = (result: unknown): string => (result instanceof Refusal ? result.message : "not refused");

describe("what settings make of a request", () => {
  test("nothing, where they say nothing", () => {
    expect(applied(ask(), defaultSettings(), operator)).toEqual(granted);
  });

  test("what was not named is filled in, what was named stays", () => {
    const filled = settings(
      '[sandbox]\ncpu = 8\nmemory = 16\ntimeout = "2h"\ngpu = ["H100", "A100"]\n[agent]\nmodel = "claude-sonnet-5-5"',
    );
    expect(applied(ask(), filled, operator)).toMatchObject({
      resources: { cpu: 8, memoryMiB: 16 * 1024, gpu: "H100,A100" },
      timeoutMs: 120 * minuteMs,
      work: { model: "claude-sonnet-5-5" },
    });
    const named = new Set(["cpu", "memory", "timeout", "gpu", "model"] as const);
    expect(applied(ask({ named, spec: withModel("claude-opus-5-5") }), filled, operator)).toEqual({
      ...withModel("claude-opus-5-5"),
      network: operator.network,
    });
  });

  test("the network is narrowed, and what is more than the operator gives is refused", () => {
    const list = operator.network;
    const open = { ...list, reaches: "open" } as const;
    const none: Network = { reaches: "none", hosts: [] };
    const given = (file: string, network: Network) => {
      const spec = applied(ask(), settings(file), { ...operator, network });
      return spec instanceof Refusal ? spec.message : spec.network;
    };
    const hosts = (...names: string[]) => `[sandbox]\nnetwork = "list"\nallow_hosts = ${JSON.stringify(names)}`;
    const wants = (reaches: string) => `[sandbox]\nnetwork = "${reaches}"`;
    expect(given("", open)).toEqual(open);
    expect(given(wants("none"), open)).toEqual(none);
    expect(given(wants("list"), list)).toEqual({ reaches: "list", hosts: [] });
    expect(given(hosts("a.example.net", "registry.example.org"), list)).toMatchObject({
      hosts: ["a.example.net", "registry.example.org"],
    });
    expect(given(hosts("elsewhere.example"), open)).toMatchObject({ reaches: "list", hosts: ["elsewhere.example"] });
    expect(given(wants("open"), open)).toEqual(open);
    expect(given(hosts("a.example.net", "example.net", "b.registry.example.org"), list)).toBe(
      "`sandbox.allow_hosts` in `.parhelia/config.toml` names hosts that the operator of this Parhelia does not allow: `example.net`, `b.registry.example.org`. Remove them, or ask the operator to add them to `sandbox.allow_hosts` of the service.",
    );
    expect(given(wants("open"), list)).toBe(
      '`sandbox.network` in `.parhelia/config.toml` is `"open"`, and the operator of this Parhelia lets sandboxes reach GitHub and a list of hosts. Write `"list"`, or ask the operator for more.',
    );
    expect(given(wants("list"), none)).toContain('reach the service alone. Write `"none"`');
  });

  test("what a sandbox is held to is never more than is given, and never open for a stranger's words", () => {
    const open = { reaches: "open", hosts: ["a.example"] } as const;
    const given: Network = { ...open, hosts: [...open.hosts] };
    expect(heldTo(given, undefined, true)).toEqual(open);
    expect(heldTo(given, undefined, false)).toEqual({ reaches: "list", hosts: ["a.example"] });
    // The operator has taken something away since the task was admitted.
    expect(heldTo({ reaches: "none", hosts: [] }, given, true)).toEqual({ reaches: "none", hosts: [] });
    const asked: Network = { reaches: "list", hosts: ["a.example", "b.example"] };
    expect(heldTo({ reaches: "list", hosts: ["a.example"] }, asked, true).hosts).toEqual(["a.example"]);
    expect(heldTo(given, { reaches: "none", hosts: [] }, true)).toEqual({ reaches: "none", hosts: [] });
  });

  test("a repository has the secrets that the operator gives to it, and another's are refused", () => {
    const given = (file: string, changes: Partial<Operator> = {}) => {
      const spec = applied(ask(), settings(file), { ...operator, ...changes });
      return spec instanceof Refusal ? spec.message : spec.secrets;
    };
    const wants = (...names: string[]) => `[sandbox]\nsecrets = ${JSON.stringify(names)}`;
    expect(given("")).toBeUndefined();
    expect(given(wants("NPM_TOKEN", "NPM_TOKEN"))).toEqual(["NPM_TOKEN"]);
    expect(given(wants("NPM_TOKEN", "DEPLOY_KEY"))).toBe(
      "`sandbox.secrets` in `.parhelia/config.toml` names `DEPLOY_KEY`, and the operator of this Parhelia does not give that to this repository. Remove it, or ask the operator to add `acme/widgets:DEPLOY_KEY` to `modal.secrets`.",
    );
    expect(given(wants("NPM_TOKEN"), { secrets: undefined })).toContain("they need Modal");
    // What a spec held from before, when the settings named one.
    expect(applied(ask({ spec: { ...spec, secrets: ["NPM_TOKEN"] } }), settings(""), operator)).toEqual(granted);
  });

  test("one GPU of several is waited for as long as the label says, or else the repository", () => {
    const file = settings(
      '[sandbox]\ngpu = ["H100", "A100"]\nmax_wait = "10m"\n[labels.slow]\ngpu = ["H100", "L4"]\nmax_wait = "2m"',
    );
    expect(applied(ask(), file, operator)).toMatchObject({ maxWaitMs: 10 * minuteMs });
    // A retry keeps its spec, and the settings may have changed.
    expect(applied(ask({ spec: { ...spec, maxWaitMs: minuteMs } }), defaultSettings(), operator)).not.toMatchObject({
      maxWaitMs: minuteMs,
    });
    const label = labelNamed(file, "slow");
    if (label === undefined) throw new Error("there is no such label");
    const defaults = { timeoutMs: minuteMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };
    const labelled = labelSpec(label, { title: "x", body: "", defaults });
    expect(applied(ask({ spec: labelled, named: new Set(labelled.named) }), file, operator)).toMatchObject({
      maxWaitMs: 2 * minuteMs,
    });
  });

  test("a default budget is lowered, never raised; one that was asked for above the ceiling is refused", () => {
    const low = settings('[budget]\ntask = "$2"');
    expect(applied(ask(), low, operator)).toMatchObject({ budget: usd(2) });
    expect(applied(ask(), settings('[budget]\ntask = "$50"'), operator)).toMatchObject({ budget: usd(5) });
    expect(said(applied(ask({ named: new Set(["budget"]) }), low, operator))).toBe(
      "A task may cost at most $2.00 here (`budget.task` in `.parhelia/config.toml`), and you asked for $5.00. Ask for less.",
    );
  });

  test("models are those of the repository that the operator allows as well", () => {
    const only = settings('[agent]\nmodels = ["claude-haiku-5-5", "claude-sonnet-5-5"]');
    expect(applied(ask(), only, operator)).toMatchObject({ work: { model: "claude-sonnet-5-5" } });
    const named = new Set(["model"] as const);
    expect(applied(ask({ named, spec: withModel("claude-sonnet-5-5-20260901") }), only, operator)).toMatchObject({
      budget: usd(5),
    });
    expect(said(applied(ask({ named, spec: withModel("claude-opus-5-5") }), only, operator))).toBe(
      "The model `claude-opus-5-5` may not be used here. You can ask for `claude-sonnet-5-5`.",
    );
    expect(said(applied(ask({ named, spec: withModel("gpt-9") }), defaultSettings(), operator))).toContain(
      "You can ask for `claude-opus-5-5`, `claude-sonnet-5-5`.",
    );
    expect(said(applied(ask(), settings('[agent]\nmodels = ["x"]'), operator))).toContain("None of the models");
    expect(said(applied(ask(), settings('[agent]\nmodel = "x"'), operator))).toContain("`x` may not be used here");
  });

  test("the operator's default model gives way to the list of the repository", () => {
    const only = settings('[agent]\nmodels = ["claude-sonnet-5-5"]');
    expect(applied(ask({ spec: withModel("claude-opus-5-5") }), only, operator)).toMatchObject({
      work: { model: "claude-sonnet-5-5" },
    });
  });

  test("the role, people and bots by id decide who may; a GPU takes a right of its own", () => {
    const rules = settings('[who.agent]\nrole = "maintain"\nusers = [7]\nbots = [9]\n[who.gpu]\nrole = "admin"');
    const by = (id: number, role: Ask["by"]["role"], kind: Ask["by"]["kind"] = "person") =>
      ask({ by: { id, role, kind } });
    expect(applied(by(7, "read"), rules, operator)).toEqual(granted);
    expect(applied(by(8, "maintain"), rules, operator)).toEqual(granted);
    expect(applied(by(9, "none", "bot"), rules, operator)).toEqual(granted);
    // An id of a person opens nothing to a bot, and the other way round; a bot's role opens nothing either.
    expect(said(applied(by(7, "admin", "bot"), rules, operator))).toBe(
      "This bot is not on the list of `who.agent` in `.parhelia/config.toml`.",
    );
    expect(said(applied(by(9, "write"), rules, operator))).toBe(
      "I can't do that: `run` needs **maintain** access to `acme/widgets`, and you have **write**. Somebody with that access can ask for it in a comment of their own.\n\nThat is set by `who.agent` in `.parhelia/config.toml`.",
    );
    const onGpu = { ...by(7, "maintain"), spec: { ...spec, resources: { ...spec.resources, gpu: "H100" } } };
    expect(said(applied(onGpu, rules, operator))).toContain("`run --gpu` needs **admin**");
    const command: Ask = { ...by(9, "none", "bot"), spec: { ...spec, work: { kind: "command", argv: ["ls"] } } };
    expect(said(applied(command, rules, operator))).toContain("`who.command`");
  });

  test("a GPU that the settings fill in takes the right to it too", () => {
    const rules = settings('[sandbox]\ngpu = "H100"\n[who.gpu]\nrole = "admin"');
    expect(said(applied(ask(), rules, operator))).toContain("`run --gpu` needs **admin**");
  });

  test("a family of models may be named where one of them may be used", () => {
    const named = (model: string) => ask({ named: new Set(["model"]), spec: withModel(model) });
    const models = { ...operator, models: ["claude-opus-5-5", "claude-haiku-4-5"] };
    expect(applied(named("opus"), defaultSettings(), models)).toMatchObject({ work: { model: "opus" } });
    expect(said(applied(named("sonnet"), defaultSettings(), models))).toContain("`sonnet` may not be used here");
  });

  test("ceilings of the repository and the confirmation only become lower", () => {
    const low = settings(
      '[budget]\nrepository_day = "$30"\nrepository_month = "$90"\n[approval]\nconfirm_above = "$4"',
    );
    // A ceiling is the lower of both: the operator's $20 a day stand.
    expect(loweredBy(low)).toEqual({ day: usd(30), month: usd(90) });
    expect(loweredBy(defaultSettings())).toEqual({});
    expect([confirmAbove(low, usd(10)), confirmAbove(low, usd(1)), confirmAbove(low, undefined)]).toEqual([
      usd(4),
      usd(1),
      usd(4),
    ]);
    expect(confirmAbove(defaultSettings(), undefined)).toBeUndefined();
  });

  test("a label asks for what it says, and says what it named", () => {
    const defaults = { timeoutMs: 60 * minuteMs, budget: usd(5), cpu: 2, memoryMiB: 4096, model: null };
    const on = { title: "It breaks", body: "Always.", defaults };
    const read = settings(
      '[labels.train]\nargv = ["python", "t.py"]\ngpu = ["H100", "A100"]\ncpu = 4\n[labels.doc]\ninstruction = "write docs\\nfor all"',
    );
    const label = (name: string) => labelSpec(labelNamed(read, name) ?? {}, on);
    expect(label("train")).toEqual({
      ...spec,
      work: { kind: "command", argv: ["python", "t.py"] },
      resources: { cpu: 4, memoryMiB: 4096, gpu: "H100,A100" },
      named: ["cpu", "gpu"],
    });
    expect(label("parhelia")).toEqual({
      ...spec,
      work: { kind: "agent", instruction: "It breaks", body: "Always.", model: null, quoted: true },
      named: [],
    });
    expect(label("doc").work).toMatchObject({ instruction: "write docs", body: "for all" });
  });
});

test("a service that was started in a repository keeps its own keys and names what is not for it", () => {
  const known = (section: string) =>
    new Map([
      ["sandbox", ["cpu", "isolation"]],
      ["server", ["port"]],
    ]).get(section);
  const given = { server: { port: 1 }, sandbox: { cpu: 2, network: "none", typo: 1 }, who: {}, wohl: 1 };
  expect(splitSettings(given, known)).toEqual({
    ours: { server: { port: 1 }, sandbox: { cpu: 2, typo: 1 }, wohl: 1 },
    passedOver: ["sandbox.network", "who"],
  });
});
