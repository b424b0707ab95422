/** Volumes: a directory each, with what sandboxes committed. */
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { environmentOf, findNamed, type Account } from "./account.ts";
import { creation } from "./apps.ts";
import { newId } from "./ids.ts";
import type { Volume } from "./records.ts";
import { checkName, notFound } from "./refuse.ts";
import type { Handlers } from "./wire.ts";

function makeVolume(account: Account, given: Omit<Volume, "id" | "directory">): Volume {
  const id = newId("vo");
  const directory = join(account.options.directory, "volumes", id);
  mkdirSync(directory, { recursive: true });
  const volume = { ...given, id, directory };
  account.volumes.set(id, volume);
  return volume;
}

/** Throws NOT_FOUND. */
export function volumeOf(account: Account, id: string | undefined): Volume {
  const found = account.volumes.get(id ?? "");
  if (found === undefined) throw notFound(`Volume ${id} not found`);
  return found;
}

const described = ({ id, name, version }: Volume) => ({ volumeId: id, version, metadata: { name, version } });

export const volumeCalls = (account: Account): Handlers => ({
  async volumeGetOrCreate({ deploymentName = "", environmentName, objectCreationType, version }) {
    const environment = environmentOf(account, environmentName);
    // Unasked it is of the first version; the client takes 0 for 1 too.
    const asked = version === 2 ? 2 : 1;
    if (objectCreationType === creation.ephemeral) {
      return described(makeVolume(account, { name: "", environment, version: asked }));
    }
    checkName("Volume", deploymentName);
    const found = findNamed(account.volumes, environment, deploymentName);
    if (found === undefined && objectCreationType !== creation.createIfMissing) {
      throw notFound(`Volume '${deploymentName}' not found in environment '${environment}'`);
    }
    return described(found ?? makeVolume(account, { name: deploymentName, environment, version: asked }));
  },

  async volumeHeartbeat() {
    return {};
  },

  async volumeDelete({ volumeId }) {
    const volume = volumeOf(account, volumeId);
    account.volumes.delete(volume.id);
    rmSync(volume.directory, { recursive: true, force: true });
    return {};
  },
});
