/** Ids as Modal writes them: the client tells a sandbox of the old kind from one of the new by the shape alone (modal.md §1.1). */
import { randomInt } from "node:crypto";

const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

const random = (alphabet: string, length: number): string =>
  Array.from({ length }, () => alphabet[randomInt(alphabet.length)]).join("");

/** `ap-`, `im-`, `st-`, `vo-`, `ta-`, `en-`; a sandbox of V1 as well: `sb-` and 22 letters or digits. */
export const newId = (prefix: string): string => `${prefix}-${random(letters, 22)}`;

/** A sandbox of V2: `sb-` and a ULID of 26 characters. */
export const newUlidId = (prefix: string): string => `${prefix}-01${random(crockford, 24)}`;
