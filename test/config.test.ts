/** What people meet first when something is set wrong: every message names the place, the value and the way out. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { ConfigError, readConfig, showConfig } from "../src/config.ts";
import { modalSettings, secretsOf, runDefaults, startLimitsOf } from "../src/from-config.ts";
import { randomIds, systemClock } from "../src/main.ts";
import { openSchedule } from "../src/operator/scheduled-jobs.ts";
import { openSqliteStore } from "../src/store/sqlite/open-sqlite.ts";
import { hourMs, secondMs } from "../src/core/instant.ts";
import { usd } from "../src/core/money.ts";

/** A folder with `.parhelia/config.toml` of this text, or without one. */
function folder(toml?: string): string {
  const root = realpathSync(mkdtempSync(join(tmpdir(), "parhelia-config-")));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, ".parhelia"));
  if (toml !== undefined) writeFileSync(join(root, ".parhelia", "config.toml"), toml);
  return root;
}

/** What the person reads when it does not fit. */
function complaint(toml: string | undefined, env: Record<string, string> = {}): string {
  const root = folder(toml);
  try {
    readConfig(root, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(root, "<root>");
    throw error;
  }
  throw new Error("this configuration was taken");
}

test("nothing has to be set", () => {
  const { settings, file, secrets, from } = readConfig(folder(), {});
  expect(settings).toMatchObject({
    server: { host: "127.0.0.1", port: 3000 },
    engine: { max_sandboxes: 10, poll_interval: 60 * secondMs },
    sandbox: { isolation: "bubblewrap", cpu: 2, memory: 4096, timeout: hourMs, price_per_hour: 0 },
    budget: {
      task: usd(5),
      month: usd(200),
      user_day: usd(20),
      repository_day: usd(20),
      installation_month: usd(50),
    },
  });
  expect({ file, secrets, from: from.size }).toEqual({ file: undefined, secrets: {}, from: 0 });
});

test("a variable goes over the file, the file over the default", () => {
  const root = folder('[server]\nhost = "0.0.0.0"\nport = 4000\n[github]\ninstallations = [1, 2]\n');
  const { settings, from } = readConfig(root, { PARHELIA_SERVER_PORT: "5000", PARHELIA_GITHUB_INSTALLATIONS: "7, 8" });
  expect(settings.server).toEqual({ host: "0.0.0.0", port: 5000 });
  expect(settings.github.installations).toEqual([7, 8]);
  expect(Object.fromEntries(from)).toEqual({
    "server.host": join(".parhelia", "config.toml"),
    "server.port": "PARHELIA_SERVER_PORT",
    "github.installations": "PARHELIA_GITHUB_INSTALLATIONS",
  });
});

test("the same words mean the same in the file, in a variable and as a number", () => {
  const cpu = (toml: string, env = {}) => readConfig(folder(toml), env).settings.sandbox.cpu;
  expect([
    cpu("[sandbox]\ncpu = 1.5\n"),
    cpu('[sandbox]\ncpu = "1.5"\n'),
    cpu("", { PARHELIA_SANDBOX_CPU: "1.5" }),
  ]).toEqual([1.5, 1.5, 1.5]);
});

test("an unknown key is named with its file and the nearest one", () => {
  expect(complaint("[server]\nprot = 80\n")).toBe(
    "<root>/.parhelia/config.toml: there is no key server.prot. Did you mean port?",
  );
  expect(complaint("[budget]\nzebra = 1\n")).toBe(
    "<root>/.parhelia/config.toml: there is no key budget.zebra. Known: task, day, month, user_day, user_month, repository_day, repository_month, installation_day, installation_month.",
  );
});

test("an unknown section is named with the nearest one", () => {
  expect(complaint("[sandboxes]\ncpu = 1\n")).toBe(
    "<root>/.parhelia/config.toml: there is no section [sandboxes]. Did you mean sandbox?",
  );
});

test("all mistakes of a file are said at once", () => {
  expect(complaint('[server]\nport = 70000\n[budget]\ntask = "much"\n').split("\n")).toEqual([
    expect.stringMatching(/^\.parhelia\/config\.toml: server\.port is .*70000/),
    expect.stringMatching(/^\.parhelia\/config\.toml: budget\.task is "much": .*Write it like/),
  ]);
});

test("a wrong value in a variable is said of the variable", () => {
  expect(complaint(undefined, { PARHELIA_SANDBOX_TIMEOUT: "90" })).toBe(
    'PARHELIA_SANDBOX_TIMEOUT: sandbox.timeout is "90": `90` is not a time between 1s and 23h. Write it with its unit: `30m`, `1h`, `1h30m`.',
  );
});

test("an unknown variable with our name is a mistake, with the nearest one; others are not ours", () => {
  expect(complaint(undefined, { PARHELIA_SERVER_PROT: "80" })).toBe(
    "The environment has PARHELIA_SERVER_PROT, which is no setting of Parhelia. Did you mean PARHELIA_SERVER_PORT?",
  );
  expect(() => readConfig(folder(), { SERVER_PORT: "80", PATH: "/bin" })).not.toThrow();
});

test("a section that is no table, and a file that is no TOML", () => {
  expect(complaint("server = 80\n")).toMatch(/server is 80: .*expected object/);
  expect(complaint('[server]\nhost = "a\n')).toMatch(/^\.parhelia\/config\.toml, line 2: /);
});

test("secrets come from the environment alone and are never shown", () => {
  expect(complaint('[github]\nwebhook_secret = "hush"\n')).toContain("there is no key github.webhook_secret");
  const env = {
    ANTHROPIC_API_KEY: "sk-ant-planted",
    PARHELIA_GITHUB_WEBHOOK_SECRET: "hook-planted",
    PARHELIA_GITHUB_WEBHOOK_SECRET_OLD: "old-planted",
    PARHELIA_GITHUB_PRIVATE_KEY: "pem-planted",
  };
  const config = readConfig(folder(), env);
  expect(config.secrets).toEqual(env);
  const shown = showConfig(config);
  expect(shown).not.toContain("planted");
  for (const name of Object.keys(env)) expect(shown).toContain(`${name}: set`);
  expect(showConfig(readConfig(folder(), {}))).toContain("ANTHROPIC_API_KEY: not set");
});

test("the one before each secret is a secret too, and is shown only while it is there", () => {
  const names = Array.from(showConfig(readConfig(folder(), {})).matchAll(/^([A-Z_]+): not set/gm), ([, name]) => name);
  const env = Object.fromEntries(names.map((name) => [`${name}_OLD`, `planted-${name}`]));
  const config = readConfig(folder(), env);
  expect(secretsOf(config).toSorted()).toEqual(Object.values(env).toSorted());
  expect(showConfig(config)).not.toContain("planted");
  for (const name of names) expect(showConfig(config)).toContain(`${name}_OLD: set`);
  expect(showConfig(readConfig(folder(), {}))).not.toContain("_OLD");
  expect(complaint(undefined, { PARHELIA_GITHUB_WEBHOOK_SECRET_OLDER: "x" })).toContain(
    "Did you mean PARHELIA_GITHUB_WEBHOOK_SECRET_OLD?",
  );
});

test("an empty secret is no secret", () => {
  expect(readConfig(folder(), { ANTHROPIC_API_KEY: "" }).secrets).toEqual({});
});

test("shown settings say their value and where it comes from", () => {
  const root = folder('[budget]\ntask = "$2"\n');
  const lines = showConfig(readConfig(root, { PARHELIA_SERVER_PORT: "4000" })).split("\n");
  expect(lines).toContain('budget.task = "$2"  # .parhelia/config.toml');
  expect(lines).toContain('server.port = "4000"  # PARHELIA_SERVER_PORT');
  expect(lines).toContain('budget.month = "$200"  # default');
  expect(lines).toContain("store.path = (not set)  # default");
});

test("the root is the nearest folder above with .parhelia or .git", () => {
  const root = folder("[server]\nport = 4000\n");
  const deep = join(root, "a", "b");
  mkdirSync(deep, { recursive: true });
  expect(readConfig(deep, {})).toMatchObject({ root, settings: { server: { port: 4000 } } });
  mkdirSync(join(root, "a", ".git"));
  expect(readConfig(deep, {})).toMatchObject({ root: join(root, "a"), settings: { server: { port: 3000 } } });
});

test("settings of the repository that the program is started in stand in its way no more than they count", () => {
  const root = folder('[who.gpu]\nrole = "admin"\n[sandbox]\ncpu = 4\nnetwork = "none"\n[labels.x]\n');
  const config = readConfig(root, {});
  expect(config.settings.sandbox.cpu).toBe(4);
  expect(config.passedOver).toEqual(["who", "sandbox.network", "labels"]);
  expect(showConfig(config)).toContain("# sandbox.network: for tasks on GitHub alone");
  expect(complaint("[sandbox]\nnetwrok = 1\n")).toContain("there is no key sandbox.netwrok");
});

test("Modal needs an address that its sandboxes reach, and a token", () => {
  const complaintOf = (env: Record<string, string>): string => {
    try {
      modalSettings(readConfig(folder('[sandbox]\nbackend = "modal"\nallow_hosts = ["registry.example.org"]'), env));
    } catch (error) {
      if (error instanceof ConfigError) return error.message;
      throw error;
    }
    return "none";
  };
  const token = { MODAL_TOKEN_ID: "ak-1", MODAL_TOKEN_SECRET: "as-1" };
  const address = { PARHELIA_SERVER_PUBLIC_URL: "https://parhelia.example.org" };
  expect(complaintOf({})).toMatchInlineSnapshot(`
    "sandbox.backend is "modal". Missing:
      server.public_url (or PARHELIA_SERVER_PUBLIC_URL): the https address at which sandboxes reach this service
      MODAL_TOKEN_ID: the token's id, ak-…
      MODAL_TOKEN_SECRET: the token's secret, as-…
    A token: modal token new. Without an account: sandbox.backend = "local""
  `);
  expect(complaintOf(token)).toMatch(/server\.public_url/);
  expect(complaintOf(token)).not.toMatch(/MODAL_TOKEN_ID:/);
  expect(complaintOf(address)).toMatch(/MODAL_TOKEN_ID: .*\n {2}MODAL_TOKEN_SECRET: /);
  expect(complaintOf({ ...token, ...address })).toBe("none");
  for (const url of ["http://parhelia.example.org", "https://parhelia.example.org:8443", "http://localhost:3000"])
    expect(complaintOf({ ...token, PARHELIA_SERVER_PUBLIC_URL: url })).toMatch(/by TLS on port 443 alone/);
  expect(complaint("[modal]\nimage = 'im-123'")).toMatch(/modal\.image is "im-123": is no published image/);
  const config = readConfig(folder(), { ...token, ...address });
  expect(modalSettings(config)).toMatchObject({
    forge: "github.com",
    hosts: [],
    network: "list",
    image: "parhelia:live",
  });
  expect(secretsOf(config)).toEqual(["ak-1", "as-1"]);
  expect(showConfig(config)).not.toMatch(/a[ks]-1/);
});

test.each([
  ['image_rebuild = "every sunday"', "is no line of cron. Write five fields"],
  ['e2e = "nightly"', "schedule.e2e"],
  ['image_rebuild = "0 0 31 2 *"', "is no line of cron"],
  ['image_rebuild = "0 6 * * 0"\ntime_zone = "Mars/North"', 'is no time zone. Write one like "UTC"'],
])("a schedule that never comes is refused: %s", (lines, words) => {
  expect(complaint(`[schedule]\n${lines}\n`)).toContain(words);
});

test("a schedule of images needs the account, and says what is missing of it", () => {
  const config = readConfig(folder('[schedule]\nimage_rebuild = "0 6 * * 0"\n'), { MODAL_TOKEN_ID: "ak-1" });
  const store = openSqliteStore({ path: ":memory:" });
  onTestFinished(() => store.close());
  const around = { store, clock: systemClock, ids: randomIds, log: { info() {}, warn() {}, error() {} } };
  expect(() => openSchedule(config, around)).toThrow(/MODAL_TOKEN_SECRET: the token's secret/);
  const nightly = readConfig(folder('[schedule]\ne2e = "0 4 * * *"\n'), { MODAL_TOKEN_ID: "ak-1" });
  expect(() => openSchedule(nightly, around)).toThrow(/MODAL_TOKEN_SECRET: the token's secret/);
  const both = folder('[schedule]\nimage_rebuild = "0 6 * * 0"\ne2e = "0 4 * * *"\ntime_zone = "Europe/Berlin"\n');
  const account = { MODAL_TOKEN_ID: "ak-1", MODAL_TOKEN_SECRET: "as-1" };
  expect(openSchedule(readConfig(both, account), around).jobs.map(({ name, times }) => [name, times])).toEqual([
    ["image-rebuild", { cron: "0 6 * * 0", timeZone: "Europe/Berlin" }],
    ["e2e", { cron: "0 4 * * *", timeZone: "Europe/Berlin" }],
  ]);
  expect(openSchedule(readConfig(folder(), {}), around).jobs).toEqual([]);
});

test("prices of one's own are read strictly, and count for what is asked in advance", () => {
  const root = folder('[prices]\nper_second = ["h100=0.0009", "a10g = .0002"]\nregion_broad = 1.25\n');
  const config = readConfig(root, { PARHELIA_SANDBOX_BACKEND: "modal" });
  expect(config.settings.prices).toMatchObject({ per_second: { H100: 0.0009, A10: 0.0002 }, region_broad: 1.25 });
  const published = readConfig(folder(), { PARHELIA_SANDBOX_BACKEND: "modal" });
  const asked = { cpu: 2, memoryMiB: 4096, gpu: "H100" };
  const perHour = (each: typeof config): number => startLimitsOf(each).pricePerHour(asked);
  expect(perHour(published) - perHour(config)).toBe(709_200);
  expect(runDefaults(config).prices?.own).toEqual(["H100", "A10", "broad regions"]);
  expect(complaint('[prices]\nper_second = ["H10=0.1"]')).toContain("has no price for H10. Did you mean A10?");
  expect(complaint(undefined, { PARHELIA_PRICES_PER_SECOND: "cpu=3" })).toContain("cpu: write dollars a second");
  expect(complaint("[prices]\nregion_brood = 2")).toContain("Did you mean region_broad?");
});
