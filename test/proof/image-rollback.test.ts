/**
 * An image is promoted over another and taken back, by the program that an operator runs, beside a service that works: its
 * next task starts from the very image that was live before.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { randomIds, systemClock } from "../../src/main.ts";
import { openModalImages } from "../../src/sandbox/modal/images.ts";
import { openSqliteStore } from "../../src/store/sqlite/open-sqlite.ts";
import { imageCommand } from "../../src/terminal/image.ts";
import { ImageTag } from "../../src/core/image.ts";
import { cli, path } from "../e2e/child.ts";
import { needs } from "../world/needs.ts";
import { openModalStage } from "./modal-stage.ts";

const ready = needs("bwrap") && needs("git");

test.skipIf(!ready)(
  "a rollback brings the image itself back: A, B with another Claude Code, B promoted and taken back",
  { timeout: 120_000 },
  async () => {
    const { root, modal, github, reader, child, start, comment, ended } = await openModalStage();
    const env = { PATH: path, HOME: root, ...modal.environment() };
    const parhelia = async (...args: string[]) => {
      const program = spawn(process.execPath, [cli, ...args], { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] });
      onTestFinished(() => void program.kill("SIGKILL"));
      const [out, err] = await Promise.all([text(program.stdout), text(program.stderr), once(program, "close")]);
      return { code: program.exitCode, out, err };
    };
    expect(await parhelia("image", "promot")).toMatchObject({ code: 2, err: expect.stringContaining("promote?") });
    expect(await parhelia("image", "build", "--tag", "v1.0.0")).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Built parhelia:v1\.0\.0 \(im-\w+\): Claude Code \d+\.\d+\.\d+, Node\.js v/),
      err: expect.stringContaining("Building layer 4 of 4, Claude Code "),
    });
    expect(await parhelia("image", "build", "--tag", "v1.0.0")).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^There is an image parhelia:v1\.0\.0 already/),
    });
    const shown = JSON.parse((await parhelia("image", "show", "v1.0.0", "--json")).out);
    expect((await parhelia("image", "promote", "v1.0.0")).code).toBe(0);

    // What a release of ours with another Claude Code would build.
    const store = openSqliteStore({ path: join(root, ".parhelia", "orchestrator.db") });
    const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const { tokenId, tokenSecret } = modal;
    const images = openModalImages({ tokenId, tokenSecret, environment: undefined, app: "parhelia", log });
    await imageCommand(
      { kind: "build", tag: ImageTag.parse("v1.1.0"), replaces: "nothing" },
      {
        images,
        store,
        clock: systemClock,
        ids: randomIds,
        live: { name: "parhelia", tag: "live" },
        environment: undefined,
        claudeCode: "2.1.999",
        by: "dana",
        say: () => undefined,
        tell: () => undefined,
      },
    );
    images.close();
    await store.close();

    await start();
    expect((await parhelia("image", "promote", "v1.1.0")).code).toBe(0);
    const other = JSON.parse((await parhelia("image", "list", "--json")).out);
    expect(other).toMatchObject({ live: { tag: "v1.1.0" }, images: [{ live: false }, { claude_code: "2.1.999" }] });
    expect((await parhelia("image", "rollback")).out).toContain(
      `parhelia:live is v1.0.0 (${shown.image_id}) now; before, it was v1.1.0 (${other.live.image_id}).`,
    );
    await comment("/parhelia run -- sh -c 'claude --version > version.txt'");
    const { task } = await ended(60_000);
    expect(task, child.said.slice(-5).join("\n")).toMatchObject({ state: "succeeded" });
    const [pull] = github.pulls("acme/widgets");
    const files = await github.files("acme/widgets", pull?.pull.headSha);
    expect(files["version.txt"]).toMatchObject({ text: `${shown.claude_code} (Claude Code)\n` });
    const made = (await reader.events()).find(({ event }) => event.type === "sandbox_created");
    expect(made?.event.message).toMatch(new RegExp(` from image parhelia:live \\(${shown.image_id}\\)$`));
    expect(made?.event.details).toEqual({ image: "parhelia:live", image_id: shown.image_id });
    expect(await modal.living()).toEqual([]);
  },
);
