import { expect, test } from "vitest";
import { ownOptions } from "../../src/terminal/own-options.ts";

test.each([
  [["budget", "--json"], { words: ["budget"], repo: "", json: true }],
  [["status", "t_1", "--repo", "../a", "--json"], { words: ["status", "t_1"], repo: "../a", json: true }],
  [["run", "--repo=../a", "-x"], { words: ["run", "-x"], repo: "../a", json: false }],
  [["run", "fix", "the", "--json", "flag"], { words: ["run", "fix", "the", "--json", "flag"], repo: "", json: false }],
  [["estimate", "run", "--json", "fix", "it"], { words: ["estimate", "run", "fix", "it"], repo: "", json: true }],
  [
    ["run", "--dry-run", "--gpu", "H100", "--json", "--", "make"],
    { words: ["run", "--dry-run", "--gpu", "H100", "--", "make"], repo: "", json: true },
  ],
  [
    ["estimate", "fix", "the", "--json", "flag"],
    { words: ["estimate", "fix", "the", "--json", "flag"], repo: "", json: false },
  ],
  [["run", "--", "x", "--repo", "y"], { words: ["run", "--", "x", "--repo", "y"], repo: "", json: false }],
])("%j", (argv, own) => {
  expect(ownOptions(argv)).toEqual(own);
});
