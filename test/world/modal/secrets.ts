/** Secrets: the named ones that a test made, and those of one request that a client on the old backend makes. */
import { environmentOf, findNamed, type Account } from "./account.ts";
import { creation } from "./apps.ts";
import { newId } from "./ids.ts";
import type { Secret } from "./records.ts";
import { checkName, invalid, notFound, unmet } from "./refuse.ts";
import type { Handlers } from "./wire.ts";

export function makeSecret(account: Account, given: Omit<Secret, "id">): Secret {
  const id = findNamed(account.secrets, given.environment, given.name)?.id ?? newId("st");
  const secret = { ...given, id };
  account.secrets.set(id, secret);
  return secret;
}

/** Throws NOT_FOUND. */
export function secretOf(account: Account, id: string | undefined): Secret {
  const found = account.secrets.get(id ?? "");
  if (found === undefined) throw notFound(`Secret ${id} not found`);
  return found;
}

export const secretCalls = (account: Account): Handlers => ({
  async secretGetOrCreate({ deploymentName = "", environmentName, objectCreationType, envDict, requiredKeys = [] }) {
    const environment = environmentOf(account, environmentName);
    if (objectCreationType === creation.ephemeral) {
      const values = Object.fromEntries(Object.entries(envDict ?? {}).map(([key, value]) => [key, value ?? ""]));
      const id = newId("st");
      account.secrets.set(id, { id, name: "", environment, values });
      return { secretId: id };
    }
    if (deploymentName === "") throw invalid("A secret needs a name.");
    checkName("Secret", deploymentName);
    const secret = findNamed(account.secrets, environment, deploymentName);
    if (secret === undefined) {
      throw notFound(`Secret '${deploymentName}' not found in environment '${environment}'`);
    }
    const missing = requiredKeys.filter((key) => !(key in secret.values));
    // The client looks for these words and makes a NotFoundError of them.
    if (missing.length > 0) throw unmet(`Secret is missing key(s): ${missing.join(", ")}`);
    return { secretId: secret.id, metadata: { name: secret.name } };
  },

  async secretDelete({ secretId }) {
    account.secrets.delete(secretOf(account, secretId).id);
    return {};
  },
});
