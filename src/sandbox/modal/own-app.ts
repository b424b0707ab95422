/** The app that all of ours on Modal belongs to, in the environment of the settings. */
import { NotFoundError, type App, type ModalClient } from "modal";
import { Refusal } from "../../core/refusal.ts";

/** Made where it is missing. Throws a `Refusal` where the account has no such environment. */
export async function ownApp(
  client: ModalClient,
  { app, environment }: { readonly app: string; readonly environment: string | undefined },
): Promise<App> {
  try {
    return await client.apps.fromName(app, { createIfMissing: true });
  } catch (error) {
    if (!(error instanceof NotFoundError) || environment === undefined) throw error;
    // Modal's client says that of the app, which would have been made.
    throw new Refusal(
      `Modal has no environment ${environment}. Make it (modal environment create ${environment}), or name one that is there (modal.environment).`,
      { cause: error },
    );
  }
}
