/**
 * Git's credential helper (`node runner.mjs credential get`): asks the bridge for a token when git wants one,
 * so that none is ever in a file or an environment.
 */
import type { Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { get, parse, text as string } from "./json.ts";

/** Resolves to the exit code. `store` and `erase`, git's other words, do nothing. */
export async function answerCredential(
  word: string | undefined,
  bridge: string | undefined,
  { stdin, stdout }: { stdin: Readable; stdout: Writable },
): Promise<number> {
  if (word !== "get") return 0;
  await text(stdin);
  const answer = await fetch(`${bridge}/credential`);
  const token = parse(await answer.text());
  const username = string(get(token, "username"));
  const password = string(get(token, "password"));
  if (!answer.ok || password === "") {
    console.error(`Parhelia gave no token for this repository (status ${answer.status}).`);
    return 1;
  }
  stdout.write(`username=${username}\npassword=${password}\n`);
  return 0;
}
