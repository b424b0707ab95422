/** Images and secrets of the stand-in, through Modal's own client. */
import { describe, expect, test } from "vitest";
import type { Image } from "modal";
import { needs } from "../needs.ts";
import { claudeLayer, NotFoundError, openTrial } from "./trial.ts";

const { world, client, app, image, run } = await openTrial();
const node = () => client.images.fromRegistry("node:24-bookworm");
const seen = async (id: string) => (await world.images()).find((one) => one.id === id);

async function claudeIn(image: Image): Promise<string> {
  const sandbox = await client.sandboxes.create(app, image, { command: ["claude", "--version"] });
  return sandbox.stdout.readText();
}

describe("an image", () => {
  test("is built once for each thing it holds, a layer a call", async () => {
    const before = (await world.calls()).length;
    const same = await node().dockerfileCommands(claudeLayer("2.1.330")).build(app);
    expect(same.imageId).toBe(image.imageId);
    expect((await world.calls()).slice(before)).toEqual(["ImageGetOrCreate", "ImageGetOrCreate"]);
    const forced = await node().dockerfileCommands(claudeLayer("2.1.330"), { forceBuild: true }).build(app);
    expect(forced.imageId).not.toBe(image.imageId);
    expect((await seen(forced.imageId))?.digest).toBe((await seen(image.imageId))?.digest);
    const other = await node().dockerfileCommands(claudeLayer("2.1.331")).build(app);
    expect((await seen(other.imageId))?.digest).not.toBe((await seen(image.imageId))?.digest);
    expect((await seen(other.imageId))?.contents.programs).toEqual({ node: "24", claude: "2.1.331" });
  });

  test.skipIf(!needs("bwrap"))("is promoted and rolled back by its name, and starts in one call", async () => {
    const b = await node().dockerfileCommands(claudeLayer("2.1.331")).build(app);
    await image.publish("parhelia:live");
    expect(await claudeIn(await client.images.fromName("parhelia:live"))).toBe("2.1.330 (Claude Code)\n");
    await b.publish("parhelia:live");
    expect(await claudeIn(await client.images.fromName("parhelia:live"))).toBe("2.1.331 (Claude Code)\n");
    await image.publish("parhelia:live");
    const live = await client.images.fromName("parhelia:live");
    expect(live.imageId).toBe(image.imageId);
    const before = (await world.calls()).length;
    await client.sandboxes.create(app, live, { command: ["true"] });
    expect((await world.calls()).slice(before)).toEqual(["SandboxCreateV2"]);
    expect((await seen(image.imageId))?.published).toEqual(["main/parhelia:live"]);
  });

  test.skipIf(!needs("bwrap"))("holds what its commands say, and nothing of this machine's", async () => {
    const debian = client.images.fromRegistry("debian:bookworm");
    const bare = await debian.build(app);
    const asks = "node --version; claude --version; id agent; echo $A; pwd";
    const empty = await client.sandboxes.create(app, bare, { command: ["sh", "-c", asks] });
    expect(await empty.stdout.readText()).toBe("\n/\n");
    const made = await debian
      .dockerfileCommands([
        "RUN curl -fsSL https://deb.nodesource.com/setup_24.x | bash - && apt-get install -y nodejs",
      ])
      .dockerfileCommands([
        "RUN useradd --create-home --uid 1500 agent && \\\n  mkdir -p /srv/made",
        'ENV A="an a"',
        "WORKDIR /srv/made",
      ])
      .build(app);
    const full = await client.sandboxes.create(app, made, { command: ["sh", "-c", asks] });
    expect(await full.stdout.readText()).toMatch(/^v24.*\nuid=1500\(agent\) .*\nan a\n\/srv\/made\n$/s);
    const step = "setpriv --reuid 1500 --regid 1500 --clear-groups sh -c 'touch /home/agent/x && ! touch /root/x'";
    const other = await client.sandboxes.create(app, made, { command: ["sh", "-c", step] });
    expect(await other.wait()).toBe(process.getuid?.() === 0 ? 0 : 127);
  });

  test("is not built where a layer fails, and the client says why", async () => {
    await world.faults.failLayer("apt-get install git", "E: Unable to locate package git");
    const git = node().dockerfileCommands(["RUN apt-get install git"]);
    await expect(git.build(app)).rejects.toThrow("E: Unable to locate package git");
    await world.faults.clear();
    expect((await seen((await git.build(app)).imageId))?.isBuilt).toBe(true);
    const npm = client.images.fromRegistry("debian").dockerfileCommands(claudeLayer("2.1.330"));
    await expect(npm.build(app)).rejects.toThrow("npm: not found");
    await expect(node().dockerfileCommands(["RUM x"]).build(app)).rejects.toThrow("unknown instruction: RUM");
  });

  test("that takes its time is waited for", async () => {
    await world.change({ buildMs: 100 });
    const slow = await node().dockerfileCommands(["RUN sleep 100"]).build(app);
    await world.change({ buildMs: 0 });
    expect(await world.calls()).toContain("ImageJoinStreaming");
    expect((await seen(slow.imageId))?.isBuilt).toBe(true);
  });

  test("that is gone is not found, by id, by name or for a sandbox", async () => {
    const gone = await node().dockerfileCommands(["RUN true"]).build(app);
    await gone.publish("parhelia:gone");
    await client.images.delete(gone.imageId);
    await expect(client.images.fromId(gone.imageId)).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.images.fromName("parhelia:gone")).rejects.toBeInstanceOf(NotFoundError);
    await expect(client.images.fromName("parhelia:never")).rejects.toBeInstanceOf(NotFoundError);
    const create = client.sandboxes.create(app, gone, { command: ["true"] });
    await expect(create).rejects.toThrow("Could not find image");
  });
});

describe("a secret", () => {
  test("is there only if someone made it, with the keys that are asked for", async () => {
    await expect(client.secrets.fromName("registry")).rejects.toBeInstanceOf(NotFoundError);
    await world.secrets.make("registry", { USER: "u" });
    expect((await client.secrets.fromName("registry", { requiredKeys: ["USER"] })).secretId).toMatch(/^st-/);
    const more = client.secrets.fromName("registry", { requiredKeys: ["USER", "PASSWORD"] });
    await expect(more).rejects.toThrow(/missing key.*PASSWORD/);
    await world.secrets.drop("registry");
    await expect(client.secrets.fromName("registry")).rejects.toBeInstanceOf(NotFoundError);
  });

  test("belongs to one environment, as all that has a name does", async () => {
    await world.secrets.make("key", { KEY: "prod" });
    const elsewhere = { environment: "staging" };
    await expect(client.secrets.fromName("key", elsewhere)).rejects.toThrow("Environment 'staging' not found");
    await world.environments.make("staging");
    await expect(client.secrets.fromName("key", elsewhere)).rejects.toBeInstanceOf(NotFoundError);
    await image.publish("parhelia:both");
    await expect(client.images.fromName("parhelia:both", elsewhere)).rejects.toBeInstanceOf(NotFoundError);
    const theirs = await client.apps.fromName("parhelia", { ...elsewhere, createIfMissing: true });
    expect(theirs.appId).not.toBe(app.appId);
    await expect(run(["true"], { secrets: [await client.secrets.fromName("key")] })).resolves.toBeDefined();
  });
});
