/** Secrets that a task prints, the forms in which programs write them, and what finds each of them again. */
import type { Secrets } from "../e2e/service.ts";

export type Planted = Readonly<Record<string, string>>;

export function plantedFrom({ modelKey, webhookSecret, privateKey }: Secrets): Planted {
  const lines = privateKey.split("\n");
  return {
    "the model key": modelKey,
    "the webhook secret": webhookSecret,
    "line 1 of the key": lines[1] ?? "",
    "line 3 of the key": lines[3] ?? "",
    "a token of an installation": `ghs_7001_${"Ab3.".repeat(120)}`,
  };
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const everyByte = (text: string, before: string): string =>
  Buffer.from(text)
    .toString("hex")
    .replaceAll(/../g, (byte) => before + byte);

export const formsOf = (secret: string): string[] => [
  secret,
  JSON.stringify({ body: JSON.stringify({ secret }) }),
  everyByte(secret, String.raw`\u00`),
  base64(secret),
  base64(`x${secret}`),
  base64(`xy${secret}`),
  encodeURIComponent(secret),
  everyByte(secret, ""),
];

/** Each line of the output is one form of one secret between two words. */
export const linesOf = (planted: Planted): string[] =>
  Object.values(planted).flatMap((secret) => formsOf(secret).map((form) => `before|${form}|after`));

/** A secret in any of these forms is found by each of its parts of so many characters. */
const partCharacters = 24;

function partsOf(secret: string): Set<string> {
  const texts = [...formsOf(secret), everyByte(secret, "").toUpperCase(), everyByte(secret, "%")];
  const cores = texts.map((text) => text.replaceAll(/^\{.*?secret[^A-Za-z0-9]*|[^A-Za-z0-9]*$/g, ""));
  return new Set(
    cores.flatMap((text) =>
      Array.from({ length: Math.max(1, text.length - partCharacters + 1) }, (_, at) =>
        text.slice(at, at + partCharacters),
      ),
    ),
  );
}

export const holds = (text: string, secret: string): boolean =>
  Array.from(partsOf(secret)).some((part) => text.includes(part));

export const leaksIn = (places: Readonly<Record<string, string>>, planted: Planted): string[] =>
  Object.entries(places).flatMap(([place, text]) =>
    Object.entries(planted)
      .filter(([, secret]) => holds(text, secret))
      .map(([name]) => `${name} is in ${place}`),
  );
