/** The tree of case 12, with everything in it: as it is before the work, and as it has to arrive. */

export const c1 = "1".repeat(40);

/** Ordinary files; `README.md` and `same.txt` are never touched. */
export const plainBefore = {
  "README.md": "# widgets\n",
  "old.txt": "1\n2\n",
  "a.txt": "a\n",
  "gone/x": "x\n",
  "keep.txt": "0\n",
  "same.txt": "same\n",
  "run.sh": "echo\n",
};

export const treeBefore = { ...plainBefore, latest: { symlink: "v1" }, "vendor/lib": { submodule: c1 } };

export const plainFile = (text: string) => ({ mode: "100644", text });

/** All that is there afterwards, where the submodule has moved to `c2`: nothing more, nothing less. */
export const treeAfter = (c2: string) => ({
  "a.txt": plainFile("a\n"),
  "README.md": plainFile("# widgets\n"),
  "same.txt": plainFile("same\n"),
  "run.sh": { mode: "100755", text: "echo\n" },
  "new.txt": plainFile("1\n3\n"),
  "b.txt": plainFile("a\n"),
  latest: { mode: "120000", text: "v2" },
  "vendor/lib": { mode: "160000", text: c2 },
  'naïve "q".txt': plainFile("n"),
  "tab\there": plainFile("t"),
  "-rf": plainFile("r"),
  "dir/trailing ": plainFile("d"),
  "keep.txt": plainFile("2\n"),
});
