/** How `parhelia image …` is read. */
import { expect, test } from "vitest";
import { faultsOf, type Findings } from "../../src/core/image.ts";
import { imageWords } from "../../src/terminal/image-words.ts";

const read = (line: string) => imageWords(line.split(" ").filter((word) => word !== ""));
const message = (line: string): string => {
  const said = read(line);
  return said.kind === "wrong" ? (said.message.split("\n")[0] ?? "") : `it is taken as ${said.kind}`;
};

test("what is right is taken", () => {
  expect(read("build")).toEqual({ kind: "build", tag: undefined, replaces: "nothing" });
  expect(read("build --force --tag v1.2.3")).toEqual({ kind: "build", tag: "v1.2.3", replaces: "its tag" });
  expect(read("build --tag=weekly-20261125")).toEqual({ kind: "build", tag: "weekly-20261125", replaces: "nothing" });
  expect(read("list")).toEqual({ kind: "list", as: "words" });
  expect(read("list --json")).toEqual({ kind: "list", as: "json" });
  expect(read("show")).toEqual({ kind: "show", which: undefined, as: "words" });
  expect(read("show im-1 --json")).toEqual({ kind: "show", which: "im-1", as: "json" });
  expect(read("promote v1.2.3")).toEqual({ kind: "promote", tag: "v1.2.3" });
  expect(read("rollback")).toEqual({ kind: "rollback", tag: undefined });
  expect(read("rollback v1.2.3")).toEqual({ kind: "rollback", tag: "v1.2.3" });
});

test("what is wrong is told by its place, with all that there is", () => {
  expect(message("")).toBe("What about images?");
  expect(message("biuld")).toBe("There is no `image biuld`. Did you mean build?");
  expect(message("toString")).toContain("There is no `image toString`.");
  expect(message("build v1.2.3")).toBe("`image build` takes no such word.");
  expect(message("build --tag")).toContain(" is no tag of an image: write weekly-YYYYMMDD or v1.2.3");
  expect(message("build --tag live")).toContain("live is no tag of an image");
  expect(message("build --tag weekly-20261325")).toContain("weekly-20261325 is no tag of an image");
  expect(message("build --tag v1.0.0 --tag v1.0.1")).toBe("`image build` does not take --tag.");
  expect(message("build --tag v1.0.0 v1.0.1")).toBe("`image build` takes no such word.");
  expect(message("build --json")).toBe("`image build` does not take --json.");
  expect(message("list --force")).toBe("`image list` does not take --force.");
  expect(message("list v1.0.0")).toBe("`image list` takes no such word.");
  expect(message("promote")).toBe("Which image? `image promote` takes a tag.");
  expect(message("promote v1.0.0 v1.0.1")).toBe("`image promote` takes one tag.");
  expect(message("rollback im-123")).toContain("im-123 is no tag of an image");
  expect(read("promote")).toMatchObject({ message: expect.stringContaining("parhelia image rollback [TAG]") });
});

const works: Findings = {
  claude: { exitCode: 0, output: "2.1.330 (Claude Code)" },
  node: { exitCode: 0, output: "v24.21.0" },
  git: { exitCode: 0, output: "git version 2.39.5" },
  workspace: { exitCode: 0, output: "" },
  agent: { exitCode: 0, output: "1500" },
};

test("each probe of a new image can fail, and nothing else is told then", () => {
  const faults = (changes: Partial<Findings>) => faultsOf({ ...works, ...changes }, "2.1.330");
  expect(faults({})).toEqual([]);
  expect(faults({ claude: { exitCode: 0, output: "2.1.3301 (Claude Code)" } })).toEqual([
    '`claude --version` is to say 2.1.330, but its check ended with 0 and said "2.1.3301 (Claude Code)".',
  ]);
  expect(faults({ claude: { exitCode: 127, output: "" } })).toEqual([
    "`claude --version` is to say 2.1.330, but its check ended with 127 and said nothing.",
  ]);
  expect(faults({ node: { exitCode: 0, output: "v22.1.0" } })).toEqual([expect.stringContaining("v24 or newer")]);
  expect(faults({ node: { exitCode: 0, output: "v100.0.0" } })).toEqual([]);
  expect(faults({ git: { exitCode: 127, output: "sh: git: not found" } })).toEqual([expect.stringContaining("git")]);
  expect(faults({ workspace: { exitCode: 1, output: "Read-only" } })).toEqual([expect.stringContaining("/workspace")]);
  expect(faults({ agent: { exitCode: 0, output: "0" } })).toEqual([expect.stringContaining("user agent")]);
});
