/** The real log, as a process writes it: what a library says of an error may hold anything. */
import { spawnSync } from "node:child_process";
import { expect, test } from "vitest";
import { redactedMark } from "../../src/core/redact.ts";

const source = (path: string): string => JSON.stringify(new URL(`../../src/${path}`, import.meta.url).href);
const early = 'webhook "secret" one';
const late = "the-key-of-the-gateway-0123456789";
const minted = `ghs_7001_${"a1.".repeat(100)}`;

const program = `
import { openLog } from ${source("terminal/log.ts")};
import { redactor } from ${source("core/redact.ts")};
const [early, late, minted] = JSON.parse(process.env.SECRETS);
const { log, redactWith } = openLog("info", 1, redactor([early]));
const failure = (text) => {
  const error = new Error("it said " + text + " and no more", { cause: new Error(JSON.stringify({ body: text })) });
  error.response = { data: text };
  return error;
};
log.error({ err: failure(early) }, "early");
redactWith(redactor([early, late]));
for (const text of [early, late, minted, "x".repeat(1950) + "\\n" + late + minted]) {
  log.error({ err: failure(text), note: "quoted: " + JSON.stringify(text), odd: text.split("") .join("") }, "late " + text);
  log.child({ from: text }).warn({ nested: { list: [text] } }, "%s", text);
}
`;

test("no secret leaves in the log, whatever an error holds, and each line is JSON still", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    encoding: "utf8",
    env: { SECRETS: JSON.stringify([early, late, minted]) },
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
  const lines = stdout.trimEnd().split("\n");
  expect(lines).toHaveLength(9);
  for (const line of lines) {
    const told: unknown = JSON.parse(line);
    expect(told).toMatchObject({ level: expect.any(Number), msg: expect.any(String) });
    expect(line).toContain(redactedMark);
    for (const secret of [early, late, minted]) {
      expect(line).not.toContain(secret.slice(0, 16));
      expect(line).not.toContain(JSON.stringify(secret).slice(1, 16));
    }
  }
  expect(JSON.parse(lines[0] ?? "")).toMatchObject({
    msg: "early",
    err: { message: `it said ${redactedMark} and no more`, stack: expect.stringContaining(`it said ${redactedMark}`) },
  });
});
