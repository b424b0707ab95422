/** The repository, the issue and the script of the demonstration: one bug, one failing test, one line to change. */
import { existsSync } from "node:fs";
import type { Files } from "../github/files.ts";
import { fixFile, type Script } from "../model-script.ts";

export const repository = "acme/basket";
/** Who asks; may write to the repository. */
export const person = "dana";

/** What a sandbox sees of this machine is `/usr`, and its own `node`. */
const npmPaths = ["/usr/bin/npm", "/usr/local/bin/npm"];

/** The command that runs the sample's tests, as words. npm where sandboxes have it, and what npm would run where not. */
export const testCommand: readonly string[] = npmPaths.some((path) => existsSync(path))
  ? ["npm", "test"]
  : ["node", "--test"];

const total = `// The price of a basket, in cents.
export function total(items) {
  let cents = 0;
  for (let at = 1; at < items.length; at += 1) {
    cents += items[at].price * items[at].count;
  }
  return cents;
}
`;

const totalTest = `import { equal } from "node:assert/strict";
import { test } from "node:test";
import { total } from "../src/total.js";

test("an empty basket costs nothing", () => equal(total([]), 0));

test("every item counts", () => {
  equal(total([{ price: 250, count: 1 }, { price: 125, count: 2 }]), 500);
});
`;

export const files: Files = {
  "README.md": "# basket\n\nThe price of what is in a basket.\n",
  "package.json": `${JSON.stringify(
    { name: "basket", version: "1.0.0", private: true, type: "module", scripts: { test: "node --test" } },
    null,
    2,
  )}\n`,
  "src/total.js": total,
  "test/total.test.js": totalTest,
};

export const issue = {
  title: "The total of a basket is too low",
  body: "One piece at 2.50 and two at 1.25 should cost 5.00, but `total` says 2.50. A test shows it.",
};

export const commands = {
  test: `/parhelia run -- ${testCommand.join(" ")}`,
  fix: "/parhelia run Fix the bug that makes a test fail, and change no test",
};

/** What the model says and does where it is a stand-in. Claude Code carries it out on the real files. */
export const script: Script = fixFile({
  path: "src/total.js",
  from: "let at = 1;",
  to: "let at = 0;",
  run: testCommand.join(" "),
  summary:
    "`total` began to count at the second item, so the first one was free. It now begins at the first; both tests pass.",
});
