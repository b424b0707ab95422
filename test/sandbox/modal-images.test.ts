/** Images on Modal, as an operator makes them, tries them, makes them live and takes them back. */
import { describe, expect, test } from "vitest";
import { Refusal } from "../../src/core/refusal.ts";
import { isMissing, modal, openDesk } from "./image-desk.ts";

describe.skipIf(isMissing)("an image", { timeout: 60_000 }, () => {
  test("is built a layer after the other, tried in a sandbox, and gets the tag of its week", async () => {
    const { name, told, does, live, idOf } = openDesk();
    const built = await does("build");
    const id = await idOf("weekly-20261125");
    expect(built).toBe(
      `Built ${name}:weekly-20261125 (${id}): Claude Code 2.1.330, Node.js ${process.version}. To start tasks from it: parhelia image promote weekly-20261125`,
    );
    expect(told).toEqual([
      "Building layer 1 of 4, the base node:24.21.0-bookworm-slim",
      "Building layer 2 of 4, git and certificates",
      "Building layer 3 of 4, the user agent and /workspace",
      "Building layer 4 of 4, Claude Code 2.1.330",
      `Trying ${id} in a sandbox`,
    ]);
    const [made] = (await modal().images()).filter((each) => each.id === id);
    expect(made?.contents).toMatchObject({
      programs: { claude: "2.1.330", node: "24.21.0" },
      users: [{ name: "agent", uid: 1500 }],
      directories: ["/workspace"],
    });
    expect(await live()).toBeUndefined();
    expect(await does("list")).toContain(`Nothing is ${name}:live yet: parhelia image promote TAG`);
    expect(JSON.parse(await does("show weekly-20261125 --json"))).toEqual({
      tag: "weekly-20261125",
      image_id: id,
      live: false,
      claude_code: "2.1.330",
      node: process.version,
      base: "node:24.21.0-bookworm-slim",
      built_at: "2026-11-25T22:31:00.000Z",
      built_by: "dana",
      smoke: {
        at: "2026-11-25T22:31:00.000Z",
        claude: "2.1.330 (Claude Code)",
        node: process.version,
        git: expect.stringMatching(/^git version /),
        workspace: "",
        agent: "1500",
      },
    });
  });

  test("that was live is what a rollback goes to, one step after the other, and so does a tag", async () => {
    const { name, does, live, idOf, events } = openDesk();
    await does("build --tag v1.0.0");
    await does("build --tag v1.1.0", { claudeCode: "2.1.331" });
    await does("build --tag v1.2.0", { claudeCode: "2.1.332" });
    const [a, b, c] = await Promise.all(["v1.0.0", "v1.1.0", "v1.2.0"].map(idOf));
    expect(new Set([a, b, c]).size).toBe(3);
    expect(await does("promote v1.0.0")).toBe(
      `${name}:live is v1.0.0 (${a}) now; before, it was nothing. Tasks that start from now on start from it; what runs goes on.`,
    );
    expect(await does("promote v1.0.0")).toBe(`${name}:live is v1.0.0 (${a}) already.`);
    await does("promote v1.1.0", { by: "erin" });
    await does("promote v1.2.0");
    expect(await live()).toBe(c);
    expect(await does("rollback")).toContain(`${name}:live is v1.1.0 (${b}) now; before, it was v1.2.0 (${c}).`);
    expect(await live()).toBe(b);
    const list = await does("list");
    expect(list.split("\n").filter((line) => line.endsWith("live"))).toEqual([
      expect.stringMatching(/^v1\.1\.0 +2\.1\.331 /),
    ]);
    expect(list).toContain(`${name}:live is v1.1.0 (${b}), since 2026-11-25 22:38 UTC by dana.`);
    expect(await does("show")).toContain(`live         yes, as ${name}:live`);
    await does("rollback");
    expect(await live()).toBe(a);
    await expect(does("rollback")).rejects.toThrow(`No other image was live as ${name}:live. Name one`);
    await does("rollback v1.2.0");
    expect(await live()).toBe(c);
    expect((await events()).filter(({ type }) => type === "image_live").map(({ message }) => message)).toEqual([
      `dana made v1.0.0 (${a}) the image ${name}:live; before, it was nothing`,
      `erin made v1.1.0 (${b}) the image ${name}:live; before, it was v1.0.0 (${a})`,
      `dana made v1.2.0 (${c}) the image ${name}:live; before, it was v1.1.0 (${b})`,
      `dana made v1.1.0 (${b}) the image ${name}:live; before, it was v1.2.0 (${c})`,
      `dana made v1.0.0 (${a}) the image ${name}:live; before, it was v1.1.0 (${b})`,
      `dana made v1.2.0 (${c}) the image ${name}:live; before, it was v1.0.0 (${a})`,
    ]);
  });

  test("keeps its tag unless it is told to give it up, and stays live where it is", async () => {
    const { name, does, live, idOf } = openDesk();
    await does("build --tag v1.0.0");
    await does("promote v1.0.0");
    const first = await idOf("v1.0.0");
    await expect(does("build --tag v1.0.0")).rejects.toThrow(
      `There is an image ${name}:v1.0.0 already (${first}). Choose another tag (--tag), or put a new one in its place (--force)`,
    );
    await does("build --tag v1.0.0 --force");
    const second = await idOf("v1.0.0");
    expect(second).not.toBe(first);
    expect(await live()).toBe(first);
    expect(await does("list")).toContain(`${name}:live is v1.0.0 (${first}), since`);
    await does("promote v1.0.0");
    expect(await live()).toBe(second);
    await does("rollback");
    expect(await live()).toBe(first);
  });

  test("that does not work gets no tag, what is live stays, and its sandbox is ended", async () => {
    const { name, does, live, idOf } = openDesk();
    await does("build --tag v1.0.0");
    await does("promote v1.0.0");
    const was = await live();
    const calls = (await modal().calls()).length;
    // npm takes a range, and gives another version than the one that was meant.
    await expect(does("build --tag v1.0.1", { claudeCode: "~2.1.330" })).rejects.toThrow(
      new RegExp(
        `^The new image im-\\w+ does not work, so it got no tag; ${name}:live is what it was\\.\\n  \`claude --version\` is to say ~2\\.1\\.330, but its check ended with 0 and said "latest \\(Claude Code\\)"\\.\\n`,
      ),
    );
    expect((await modal().calls()).slice(calls)).toContain("SandboxTerminateV2");
    expect(await modal().living()).toEqual([]);
    expect(await idOf("v1.0.1")).toBe("none");
    await expect(does("promote v1.0.1")).rejects.toThrow(
      "This service built no image v1.0.1. There are v1.0.0. Build it: parhelia image build --tag v1.0.1",
    );
    expect(await live()).toBe(was);
  });

  test("whose sandbox cannot be looked into gets no tag, and the sandbox is ended all the same", async () => {
    const { does, idOf } = openDesk();
    await modal().faults.refuse("TaskExecStart", 9, "the worker is gone", 10);
    await expect(does("build --tag v1.0.0")).rejects.toThrow("the worker is gone");
    expect(await modal().living()).toEqual([]);
    expect(await idOf("v1.0.0")).toBe("none");
  });

  test("of which a layer fails is told by that layer, with what to do", async () => {
    const { does, idOf, name } = openDesk();
    await modal().faults.failLayer("apt-get install", "E: Unable to locate package git");
    const failed = does("build --tag v3.0.0");
    await expect(failed).rejects.toThrow(Refusal);
    await expect(failed).rejects.toThrow(
      new RegExp(
        `^Modal could not build layer 2 of 4, git and certificates\\. It says: .*E: Unable to locate package git\\nDebian's package servers may be away\\. .*\\nModal shows the log of the build on its page of the app ${name} alone: https://`,
      ),
    );
    expect(await idOf("v3.0.0")).toBe("none");
    await modal().faults.clear();
    await does("build --tag v3.0.0");
  });

  test("is live when Modal says so: a publication that fails changes nothing, and is done again", async () => {
    const { does, live, idOf } = openDesk();
    await does("build --tag v1.0.0");
    await does("build --tag v1.1.0", { claudeCode: "2.1.331" });
    await does("promote v1.0.0");
    const a = await idOf("v1.0.0");
    await modal().faults.unavailable("ImagePublish", 4);
    await expect(does("promote v1.1.0")).rejects.toThrow("Modal gives no answer. Try again in a while");
    expect(await live()).toBe(a);
    expect(await does("list")).toContain(`is v1.0.0 (${a}), since`);
    await expect(does("rollback")).rejects.toThrow("No other image was live");
    await does("promote v1.1.0");
    await does("rollback");
    expect(await live()).toBe(a);
    // Modal has dropped it.
    await modal().faults.deleteImage(await idOf("v1.1.0"));
    await expect(does("promote v1.1.0")).rejects.toThrow(/^Modal has no image im-\w+ any more\. Build another one/);
    expect(await live()).toBe(a);
  });

  test("that was made live by other means is where a rollback leads as well", async () => {
    const { name, does, live, idOf } = openDesk();
    await does("build --tag v1.0.0");
    const foreign = await idOf("v1.0.0");
    const elsewhere = openDesk({ live: { name, tag: "live" } });
    await elsewhere.does("build --tag v2.0.0", { claudeCode: "2.1.331" });
    await does("promote v1.0.0");
    expect(await elsewhere.does("list")).toContain(`${name}:live is ${foreign}, which was not built from here.`);
    await elsewhere.does("promote v2.0.0");
    expect(await live()).not.toBe(foreign);
    expect(await elsewhere.does("rollback")).toContain(`${name}:live is ${foreign} now; before, it was v2.0.0 (`);
    expect(await live()).toBe(foreign);
  });

  test("is not promoted where the settings name the tag of one image, nor with a token that Modal rejects", async () => {
    const { name, does } = openDesk();
    await does("build --tag v1.0.0");
    await expect(does("promote v1.0.0", { live: { name, tag: "v0.9.0" } })).rejects.toThrow(
      `modal.image is ${name}:v0.9.0, the tag of one image, which stays what it is. To promote, set modal.image to ${name}:live`,
    );
    const { does: strange } = openDesk({}, "as-wrong");
    await expect(strange("list")).rejects.toThrow(/^Modal rejects the token\. .*MODAL_TOKEN_SECRET/);
  });
});
