/** Case 12 from end to end: the real runner reads the disk, the forge publishes what it carried, git on the other side says what arrived. */
import { expect, test } from "vitest";
import { needs } from "../world/needs.ts";
import { makeRepository } from "../runner/repository.ts";
import { runScript } from "../runner/sandbox.ts";
import { c1, plainBefore, treeAfter, treeBefore } from "./case-12.ts";
import { openForgeWorld, toPublish, widgets } from "./forge-world.ts";
import { put, removal } from "./manifests.ts";
import type { FileMode } from "../../src/core/protocol.ts";

const modes: readonly FileMode[] = ["100644", "100755", "120000", "160000"];

/** What the runner carried, as the entries of its manifest. */
function entriesOf(changes: Record<string, string | null>) {
  return Object.entries(changes).map(([name, change]) => {
    const path = Buffer.from(name, "latin1").toString("utf8");
    if (change === null) return removal(path);
    const mode = modes.find((each) => change.startsWith(`${each} `));
    if (mode === undefined) throw new Error(`${name} has no mode`);
    return put(path, Buffer.from(change.slice(7), "latin1"), mode);
  });
}

const script = `
  chmod +x run.sh; mv old.txt new.txt; printf '1\\n3\\n' > new.txt; cp a.txt b.txt; rm -r gone; ln -sfn v2 latest
  rmdir vendor/lib; git init -q vendor/lib
  git -C vendor/lib -c user.name=x -c user.email=x@example.com commit -q --allow-empty -m c2
  printf n > 'naïve "q".txt'; printf t > "$(printf 'tab\\there')"; printf r > ./-rf; mkdir dir; printf d > 'dir/trailing '
  echo 1 > keep.txt; git add keep.txt; echo 2 > keep.txt
  git -C vendor/lib rev-parse HEAD`;

test.skipIf(!needs("git"))(
  "a tree with everything in it goes from the disk of the sandbox to the commit byte for byte (case 12)",
  { timeout: 60_000 },
  async () => {
    using repository = makeRepository({ ...plainBefore, latest: { link: "v1" }, "vendor/lib": { submodule: c1 } });
    const { result, changes } = await runScript(repository, script);
    expect(result.left).toEqual([]);
    const c2 = result.tail.trim().split("\n").at(-1) ?? "";
    expect(c2).toMatch(/^[0-9a-f]{40}$/);

    const world = await openForgeWorld();
    await world.github.repository(widgets, treeBefore);
    const at = world.at(world.github.as("dana").openIssue(widgets, "Everything"));
    const published = await world.forge.publish(await toPublish(world, at, entriesOf(changes)));
    expect(await world.github.files(widgets, published.branch)).toEqual(treeAfter(c2));
  },
);
