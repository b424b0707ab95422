#!/usr/bin/env node
/** The terminal's entry. Exit codes: 0 done, 1 refused or failed, 2 wrong usage. */
import { resolve } from "node:path";
import { userInfo } from "node:os";
import { ExportInput } from "./commands/budget-export.ts";
import type { Answer } from "./commands/command.ts";
import { answer as answerTo } from "./commands/execute.ts";
import { parseArgv } from "./commands/parse.ts";
import { commands } from "./commands/registry.ts";
import { ConfigError, readConfig, showConfig, type Config } from "./config.ts";
import { monthOf } from "./core/budget.ts";
import { TaskId } from "./core/ids.ts";
import { redactor } from "./core/redact.ts";
import { Refusal } from "./core/refusal.ts";
import type { Actor, Place, Task } from "./core/task.ts";
import { budgetsOf, runDefaults, secretsOf, startLimitsOf, storePath, storePlace } from "./from-config.ts";
import type { Store } from "./core/ports/store.ts";
import { EngineTaken, randomIds, startService, systemClock } from "./main.ts";
import { brake } from "./operator/brake.ts";
import { operatorCommands } from "./operator/operator.ts";
import { cancelTask } from "./records/cancel-task.ts";
import { readTask } from "./records/read-task.ts";
import { latestTask } from "./records/latest-task.ts";
import { inPieces, writeNewFile } from "./store/archive-file.ts";
import { openBeside } from "./store/open-store.ts";
import { formatOf, ledgerLines } from "./terminal/export-ledger.ts";
import { exitCodes } from "./terminal/exit-codes.ts";
import { openLog } from "./terminal/log.ts";
import { notTheirs, notTheirsWords } from "./terminal/cloned-settings.ts";
import { repositoryAt } from "./terminal/git.ts";
import { openLocalForge } from "./terminal/local-forge.ts";
import { ownOptions } from "./terminal/own-options.ts";
import { ownWords } from "./terminal/own-words.ts";
import { print } from "./terminal/print.ts";
import { resultWords } from "./terminal/result-words.ts";
import { settingsCommand } from "./terminal/settings-file.ts";
import { watchTask } from "./terminal/watch.ts";
import { isOfRepository, isOfService, isWork, readsNothing } from "./terminal/what-it-takes.ts";
import { forTerminal } from "./terminal/words.ts";

const { done, refused, misused } = exitCodes;

async function main(argv: readonly string[]): Promise<number> {
  const [first = "help"] = argv;
  if (first === "--help" || first === "-h") return main(["help"]);
  // Before the service's own settings, which may be the file that is to be checked.
  const told = await settingsCommand(argv, process.cwd());
  if (told !== undefined) {
    (told.exit === done ? process.stdout : process.stderr).write(`${told.text}\n`);
    return told.exit;
  }
  if (first === "halt" || first === "stop")
    return brake(argv, process.cwd(), () => readConfig(process.cwd(), process.env));
  const config = readConfig(process.cwd(), process.env);
  switch (first) {
    case "serve":
      return serve(config);
    case "config":
      process.stdout.write(`${showConfig(config)}\n`);
      return done;
    default:
      return operatorCommands.get(first)?.(argv.slice(1), config) ?? command(argv, config);
  }
}

/** Runs until it is told to stop. */
async function serve(config: Config): Promise<number> {
  const { host } = config.settings.server;
  const opened = openLog(config.settings.log.level, 1, redactor(secretsOf(config)));
  const { log } = opened;
  // As a line of the log like every other, where Node would print the error with all that it holds.
  process.on("uncaughtException", (error) => {
    log.fatal({ err: error }, "the service broke down");
    process.exit(refused);
  });
  const forGitHub = config.passedOver;
  if (forGitHub.length > 0) log.warn({ settings: forGitHub }, "these settings are for a repository's tasks on GitHub");
  const service = await startService(config, opened, "http");
  log.info({ host, port: service.port, shortcomings: service.shortcomings }, "listening");
  const signal = await new Promise<string>((stop) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => stop(name));
  });
  log.info({ signal }, "draining");
  await service.stop();
  return done;
}

async function command(argv: readonly string[], config: Config): Promise<number> {
  const { words, json, ...own } = ownOptions(argv);
  const repo = resolve(own.repo);
  const said = parseArgv(words);
  if (said.kind === "wrong") {
    process.stderr.write(`${forTerminal(said.message)}\n`);
    return misused;
  }
  if (json && !commands.some((each) => each.name === said.name && each.json === true)) {
    process.stderr.write(`${said.name} has no option --json.\n`);
    return misused;
  }
  const world = await open(config, said);
  try {
    const directory = isOfRepository(said.name) ? await repositoryAt(repo) : repo;
    const place = { kind: "terminal", directory } as const;
    const asker = { place, actor: { id: 0, login: userInfo().username } };
    const task = randomIds.task();
    const context = {
      store: world.store,
      forge: openLocalForge(),
      ids: { task: () => task },
      defaults: runDefaults(config),
      budgets: budgetsOf(config),
      limits: startLimitsOf(config),
      now: systemClock.now(),
      op: randomIds.unique(),
    };
    const answered = await answerTo({ command: said.name, input: said.input, asker, context });
    const { words: answer, data } = answered;
    if (said.name === "run") return await follow(world.store, { task, by: asker.actor, answer });
    if (said.name === "budget export") return await exportLedger(world.store, said.input, answered);
    if (isWork(said.name)) {
      const again = (await meant(world.store, said.input, place)).id;
      return await follow(world.store, { task: again, by: asker.actor, answer });
    }
    const shown = json ? JSON.stringify(data, null, 2) : forTerminal(answer);
    process.stdout.write(`${shown}\n${said.name === "help" ? ownWords : ""}`);
    return done;
  } finally {
    await world.close();
  }
}

interface Opened {
  readonly store: Store;
  close(): Promise<void>;
}

/** Work brings its own engine, unless a service works on the same store: then that one does the work. */
async function open(config: Config, { name, input }: { name: string; input: object }): Promise<Opened> {
  if (isWork(name)) {
    await refuseTheirs(config);
    try {
      const service = await startService(config, openLog("error", 2, redactor(secretsOf(config))), "none");
      return { store: service.store, close: () => service.stop() };
    } catch (error) {
      if (!(error instanceof EngineTaken)) throw error;
    }
  }
  const place = isOfService(name, input) ? storePlace(config) : ({ kind: "sqlite", path: storePath(config) } as const);
  const store = openBeside(readsNothing(name) ? { kind: "sqlite", path: ":memory:" } : place, randomIds.unique());
  return { store, close: () => store.close() };
}

async function refuseTheirs({ file, from, settings }: Config): Promise<void> {
  if (file === undefined) return;
  const inFile = [...from].flatMap(([key, place]) => (place.startsWith("PARHELIA_") ? [] : [key]));
  const theirs = await notTheirs(file, inFile, settings.budget.task);
  if (theirs.length > 0) throw new ConfigError(notTheirsWords(file, theirs));
}

/** To standard output or a new file; what the count says goes to standard error. */
async function exportLedger(store: Store, input: unknown, { words, data }: Answer): Promise<number> {
  const { month, format, file } = ExportInput.parse(input);
  const now = systemClock.now();
  const lines = ledgerLines(store, now, { month: month ?? monthOf(now), format: format ?? formatOf(file) });
  await (file === undefined ? print(inPieces(lines)) : writeNewFile(resolve(file), lines));
  process.stderr.write(`${forTerminal(words)}\n`);
  return data !== undefined && "agrees" in data && data.agrees === true ? done : refused;
}

async function follow(store: Store, started: { task: TaskId; by: Actor; answer: string }): Promise<number> {
  const { task, by, answer } = started;
  const screen = { isTerminal: process.stdout.isTTY, write: (text: string) => void process.stdout.write(text) };
  screen.write(`${forTerminal(answer)}\n\n`);
  process.on("SIGINT", () => {
    const ask = { task, by, now: systemClock.now(), op: randomIds.unique() };
    cancelTask(store, ask).catch((error: unknown) => process.stderr.write(`${String(error)}\n`));
  });
  const view = await watchTask({ store, clock: systemClock, screen }, task);
  screen.write(`\n${resultWords(view)}\n`);
  return view.task.state === "succeeded" ? done : refused;
}

/** The task that a command names, or the newest one here. */
async function meant(store: Store, input: object, place: Place): Promise<Task> {
  const now = systemClock.now();
  const named = "task" in input ? TaskId.safeParse(input.task) : undefined;
  const task = named?.success ? await readTask(store, now, named.data) : await latestTask(store, now, place);
  if (task === undefined) throw new Refusal("There is no such task.");
  return task.value;
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  const isOurs = !(error instanceof ConfigError || error instanceof Refusal || error instanceof EngineTaken);
  const words = error instanceof Error ? error.message : String(error);
  const stack = isOurs && error instanceof Error ? `\n${error.stack ?? ""}` : "";
  process.stderr.write(`${isOurs ? `Something broke on our side: ${words}${stack}` : forTerminal(words)}\n`);
  // At once: what was opened before the failure would keep a half-started service alive, and its lock with it.
  process.exit(error instanceof ConfigError ? misused : refused);
}
