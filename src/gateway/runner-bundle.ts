/** Makes the one file that runs in every sandbox. It is bundled when the service starts, so there is no build to forget. */
import { createHash } from "node:crypto";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

/** `sha256` in hexadecimal digits. Throws where the runner's source does not bundle. */
export function bundleRunner(): { code: Buffer<ArrayBuffer>; sha256: string } {
  // `.ts` from the source, `.js` from what npm publishes.
  const entry = `../runner/main${extname(fileURLToPath(import.meta.url))}`;
  // Not `build`: its helper process stays for as long as ours, and ends a moment after it.
  const { outputFiles } = buildSync({
    entryPoints: [fileURLToPath(new URL(entry, import.meta.url))],
    bundle: true,
    minify: true,
    write: false,
    platform: "node",
    format: "esm",
    target: "node22",
    logLevel: "silent",
  });
  const contents = outputFiles[0]?.contents;
  if (contents === undefined) throw new Error("esbuild gave no file for the runner.");
  const code = Buffer.from(contents);
  return { code, sha256: createHash("sha256").update(code).digest("hex") };
}
