/** What the attributes of a repository do to a result: filters never run, so bytes go as they are on disk. */
import { expect, test, vi } from "vitest";
import { needs } from "../world/needs.ts";
import { makeRepository } from "./repository.ts";
import { runScript } from "./sandbox.ts";

const hasGit = needs("git");

// Each test starts several processes, on machines that may be busy.
vi.setConfig({ testTimeout: 30_000 });

/** A pointer as Git LFS writes it. */
const pointer = (size: number): string =>
  `version https://git-lfs.github.com/spec/v1\noid sha256:${"a".repeat(64)}\nsize ${size}\n`;

test.skipIf(!hasGit)(
  "a pointer of Git LFS is a file like others; real content in its place stays behind, by name",
  async () => {
    using repository = makeRepository({
      ".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n",
      "same.bin": pointer(1),
      "real.bin": pointer(2),
      "moved.bin": pointer(3),
      "gone.bin": pointer(4),
    });
    const { result, changes } = await runScript(
      repository,
      `touch same.bin; printf content > real.bin; mv moved.bin renamed.bin; rm gone.bin
     head -c 3000 /dev/zero > new.bin; : > empty.bin; echo t > new.txt`,
    );
    expect(changes).toEqual({
      "moved.bin": null,
      "renamed.bin": `100644 ${pointer(3)}`,
      "gone.bin": null,
      "empty.bin": "100644 ",
      "new.txt": "100644 t\n",
    });
    expect(result.left.toSorted()).toEqual([
      '"new.bin" (3000 bytes) belongs to Git LFS: only a pointer may be committed.',
      '"real.bin" (7 bytes) belongs to Git LFS: only a pointer may be committed.',
    ]);
  },
);

test.skipIf(!hasGit)(
  "line ends and encodings that attributes ask for change nothing: bytes go as they are on disk",
  async () => {
    const utf16 = Buffer.from("\ufeffhi\n", "utf16le");
    using repository = makeRepository({
      ".gitattributes": "*.crlf text eol=crlf\n*.u16 text working-tree-encoding=UTF-16LE-BOM\n*.c ident\n",
      "same.crlf": "a\nb\n",
      "id.c": "$Id$\n",
    });
    const { changes, result } = await runScript(
      repository,
      `printf 'a\\r\\nc\\r\\n' > new.crlf; printf '\\377\\376h\\0i\\0\\n\\0' > new.u16`,
    );
    expect(changes).toEqual({ "new.crlf": "100644 a\r\nc\r\n", "new.u16": `100644 ${utf16.toString("latin1")}` });
    expect(result.left).toEqual([]);
  },
);
