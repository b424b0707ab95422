/** Environments and apps. */
import { environmentOf, findNamed, type Account } from "./account.ts";
import { newId } from "./ids.ts";
import { checkName, denied, notFound } from "./refuse.ts";
import type { Handlers } from "./wire.ts";

/** `OBJECT_CREATION_TYPE_*` */
export const creation = { createIfMissing: 1, ephemeral: 5 } as const;

const teamOnly = "Billing reports are available on the Team and Enterprise plans.";

/** The version of Modal's image builder that a new account gets. */
const builderVersion = "2025.06";

export const appCalls = (account: Account): Handlers => ({
  async environmentGetOrCreate({ deploymentName, objectCreationType }) {
    if (deploymentName !== undefined && deploymentName !== "" && objectCreationType === creation.createIfMissing) {
      checkName("Environment", deploymentName);
      if (!account.environments.has(deploymentName)) account.environments.set(deploymentName, newId("en"));
    }
    const name = environmentOf(account, deploymentName);
    const settings = { imageBuilderVersion: builderVersion, webhookSuffix: "" };
    return { environmentId: account.environments.get(name) ?? "", metadata: { name, settings } };
  },

  async appGetOrCreate({ appName = "", environmentName, objectCreationType }) {
    checkName("App", appName);
    const environment = environmentOf(account, environmentName);
    const found = findNamed(account.apps, environment, appName);
    if (found === undefined && objectCreationType !== creation.createIfMissing) {
      throw notFound(`No App with name '${appName}' found in environment '${environment}'.`);
    }
    const app = found ?? { id: newId("ap"), name: appName, environment };
    account.apps.set(app.id, app);
    return { appId: app.id, handleMetadata: { appId: app.id, description: appName, environmentName: environment } };
  },

  async appList({ environmentName }) {
    const environment = environmentOf(account, environmentName);
    const apps = [...account.apps.values()].filter((app) => app.environment === environment);
    return { apps: apps.map(({ id, name }) => ({ appId: id, name, description: name, state: 3 })) };
  },

  // modal.md §4: "Raw RPCs … `workspaceBillingReport` (… Team and up)". This account is on the Starter plan.
  async *workspaceBillingReport() {
    yield* [];
    throw denied(teamOnly);
  },
  async workspaceBillingRates() {
    throw denied(teamOnly);
  },
});
