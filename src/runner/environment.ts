/**
 * What every program started here finds in its environment: ways to the model and the network that go through the
 * bridge, and no secret. A process that outlives its parent is found again by the mark in it.
 */
import { only } from "./json.ts";

/** Programs refuse to start without a key; the bridge puts the attempt's token in its place. */
const placeholderKey = "placeholder";

/** Where the bridge is; a proxy outside would look for it at its own loopback interface. */
const loopback = "127.0.0.1,localhost";

const markName = "PARHELIA_WORK_OF";

/** By which the backend without a jail finds what belongs to a sandbox. */
const backendMark = "PARHELIA_SANDBOX";

export const markOf = (attempt: string): string => `${markName}=${attempt}`;

/** `proxy` and `bridge` are http addresses on the loopback interface. */
export function childEnvironment(
  own: NodeJS.ProcessEnv,
  { attempt, home, bridge, proxy }: { attempt: string; home: string; bridge: string; proxy: string | undefined },
): NodeJS.ProcessEnv {
  return {
    ...only(own, (name) => !name.startsWith("PARHELIA_") || name === backendMark),
    // Programs differ in which letter case they read; curl reads `http_proxy` only.
    ...(proxy === undefined
      ? {}
      : { HTTP_PROXY: proxy, HTTPS_PROXY: proxy, http_proxy: proxy, https_proxy: proxy, NODE_USE_ENV_PROXY: "1" }),
    NO_PROXY: loopback,
    no_proxy: loopback,
    HOME: home,
    ANTHROPIC_BASE_URL: bridge,
    ANTHROPIC_API_KEY: placeholderKey,
    [markName]: attempt,
  };
}
