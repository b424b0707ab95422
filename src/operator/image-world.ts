/** What work on images is done with, opened from the configuration: the account, the names, and the pinned Claude Code. */
import type { Config } from "../config.ts";
import type { Log } from "../core/ports/log.ts";
import { modalAccount } from "../from-config.ts";
import type { ImageWorld } from "../terminal/image.ts";
import { pinnedClaudeCode } from "./pinned.ts";

type Around = Omit<ImageWorld, "images" | "live" | "environment" | "claudeCode"> & { readonly log: Log };

/** Throws a `ConfigError` where the account is not in the configuration. Whoever opens it closes its images. */
export async function openImageWorld(config: Config, { log, ...around }: Around): Promise<ImageWorld> {
  const account = modalAccount(config);
  const { environment, image: published } = config.settings.modal;
  const [name = "", tag = ""] = published.split(":");
  const claudeCode = pinnedClaudeCode();
  // Loaded where it is needed: it is larger than all the rest.
  const { openModalImages } = await import("../sandbox/modal/images.ts");
  return { ...around, images: openModalImages({ ...account, log }), live: { name, tag }, environment, claudeCode };
}
