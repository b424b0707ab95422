/**
 * What only an account can confirm: no stand-in knows how Modal really does it. The one list of these, each with the level of
 * `parhelia e2e` that looks at it.
 */

export const levels = ["smoke", "core", "full"] as const;
export type Level = (typeof levels)[number];

/** Whether what is looked at on `level` is looked at on `asked` as well. */
export const isWithin = (level: Level, asked: Level): boolean => levels.indexOf(level) <= levels.indexOf(asked);

export const facts = {
  "image-builds": "The layers of our image are built, each by itself, and only then is it published.",
  "image-works": "A sandbox of it has Claude Code of the pinned version, Node.js 24, git, /workspace and a user agent.",
  "starts-by-name": "A sandbox starts from the published name in one call, and its image is the one that was built.",
  "runner-boots":
    "The runner of this release is fetched by its hash in it, starts, and asks for its job with its token.",
  "command-whole": "A command's words arrive as they are, its two outputs apart and its exit status as it was.",
  "command-timed": "A command that outlasts its time is given up on, and the sandbox goes on.",
  "name-adopted": "A second creation of the same name finds the sandbox that lives, and pays for no second one.",
  listed: "A new sandbox is in the listing, with its name.",
  ended: "A sandbox that is ended is no longer listed, nor found by its name.",
  "lifetime-held": "Modal itself ends a sandbox at its lifetime.",
  "network-open": "With an open network a sandbox reaches any host.",
  "network-list": "With a list a sandbox reaches the hosts on it, and no other.",
  "volume-kept": "What one sandbox wrote to a volume the next one reads.",
  "volume-apart": "A sandbox sees its own folder of a volume alone.",
  "volume-read-only": "What is mounted for reading cannot be written to.",
  "secret-reaches": "The values of a secret are in the environment of commands.",
  "secret-missing": "A secret that the account does not have is said to be missing.",
  "health-seen":
    "The look of `parhelia health` finds app, image and Claude Code, and that a volume which nobody made is not there.",
  "gpu-card": "The first free GPU of a list is given, and the card that is read inside is of its type.",
  "gpu-let-go": "A creation that waits for a GPU can be ended, and leaves nothing that is billed.",
} as const;

export type Fact = keyof typeof facts;
