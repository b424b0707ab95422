/** Two installations in one account, apart by one setting (`modal.environment`): neither sees, ends or starts from what is the other's. */
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import { ImageTag } from "../../src/core/image.ts";
import type { Recipe } from "../../src/core/ports/images.ts";
import { needs } from "../world/needs.ts";
import { openAccount, openModalPost } from "./modal-post.ts";
import { name } from "./post.ts";

const { openModalImages } = await import("../../src/sandbox/modal/images.ts");
const { openModalVolumes } = await import("../../src/sandbox/modal/volume.ts");

const isMissing = !needs("bwrap");
const account = isMissing ? undefined : await openAccount();
afterAll(() => account?.close());

const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
const image = "parhelia:live";
const recipe = (claudeCode: string): Recipe => ({ tag: ImageTag.parse("v0.0.1"), claudeCode, freshness: claudeCode });

async function openBoth() {
  if (account === undefined) throw new Error("there is no account");
  await account.environments.make("staging");
  const post = await openModalPost(account, undefined);
  const { tokenId, tokenSecret } = account;
  const of = (environment: string) => ({ tokenId, tokenSecret, environment, app: post.app, log: silent });
  const imagesOf = (environment: string) => {
    const images = openModalImages(of(environment));
    onTestFinished(() => images.close());
    return images;
  };
  return { account, post, of, imagesOf };
}

describe.skipIf(isMissing)("two environments of one account", { timeout: 30_000 }, () => {
  test("have sandboxes of the same app and name, and each lists and ends its own alone", async () => {
    const { account: world, post, imagesOf } = await openBoth();
    const images = imagesOf("staging");
    await images.publish(await images.build(recipe("2.1.330"), () => undefined), image);
    const [production, staging] = [await post.open(), await post.open({ environment: "staging" })];
    const living = async () => {
      const all = (await world.living()).filter(({ app }) => app === post.app);
      return all.map((each) => `${each.environment}/${each.name}`).toSorted();
    };
    await Promise.all([production, staging].map((each) => each.create(post.spec(1, "sleep 60"))));
    expect(await living()).toEqual([`main/${name(1)}`, `staging/${name(1)}`]);
    await production.create(post.spec(2, "sleep 60"));
    expect((await staging.list()).map((each) => each.name)).toEqual([name(1)]);
    // What a reconciler of staging does with each sandbox that its store knows nothing of.
    for (const each of await staging.list()) await staging.end(each.name);
    expect(await living()).toEqual([`main/${name(1)}`, `main/${name(2)}`]);
    expect(await staging.find(name(1))).toBeUndefined();
    expect(await production.find(name(1))).toMatchObject({ name: name(1) });
  });

  test("have an image of the same name each, and what one makes live is not live in the other", async () => {
    const { post, imagesOf } = await openBoth();
    const [production, staging] = [imagesOf("main"), imagesOf("staging")];
    const before = await production.idOf(image);
    const built = await staging.build(recipe("2.1.331"), () => undefined);
    await staging.publish(built, image);
    expect(await staging.idOf(image)).toBe(built);
    expect(await production.idOf(image)).toBe(before);
    const sandboxes = await post.open({ environment: "staging", image: "parhelia:nobody-made-it" });
    await expect(sandboxes.create(post.spec(2, "true"))).rejects.toThrow(/parhelia:nobody-made-it/);
  });

  test("have volumes of the same name, with other files", async () => {
    const { account: world, of } = await openBoth();
    for (const environment of ["main", "staging"]) {
      const volumes = openModalVolumes({ ...of(environment), volume: "shared-name", image });
      onTestFinished(() => volumes.close());
      expect(await volumes.init([environment])).toEqual([environment]);
    }
    const made = (await world.volumes()).filter((each) => each.name === "shared-name");
    expect(new Set(made.map(({ directory }) => directory)).size).toBe(2);
  });

  test("have secrets of their own: the cure for a missing one names where it is missing", async () => {
    const { account: world, post } = await openBoth();
    await world.secrets.make("NPM_TOKEN", { NPM_TOKEN: "npm-of-main" });
    const sandboxes = await post.open({ environment: "staging" });
    await expect(sandboxes.create(post.spec(3, "true", { secrets: ["NPM_TOKEN"] }))).rejects.toThrow(
      "modal secret create --env staging NPM_TOKEN NPM_TOKEN=…",
    );
  });

  test("an environment that nobody made is an error that names it", async () => {
    const { post } = await openBoth();
    const sandboxes = await post.open({ environment: "stagign" });
    await expect(sandboxes.list()).rejects.toThrow(
      "Modal has no environment stagign. Make it (modal environment create stagign)",
    );
  });
});
