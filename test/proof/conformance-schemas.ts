/** Validates values against schemas that stay where they are in an OpenAPI document, so that only those in use are compiled. */
import { z } from "zod";
import type { Packages } from "./conformance-packages.ts";

/** Says what is wrong with a value, one line each; nothing where it conforms. */
export type Check = (value: unknown) => readonly string[];

const SchemaError = z.object({ instancePath: z.string(), message: z.string().optional(), params: z.unknown() });
const Errors = z.array(SchemaError).nullish();
const Validate = z.custom<((value: unknown) => boolean) & { readonly errors: unknown }>(
  (value) => typeof value === "function",
);
const Ajv = z.custom<
  new (options: object) => { addSchema(schema: object, key: string): void; compile(schema: object): unknown }
>((value) => typeof value === "function");
const Formats = z.custom<(ajv: object) => void>((value) => typeof value === "function");

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** OpenAPI 3.0 lets `nullable` stand beside `$ref`, `anyOf` and `enum`; JSON Schema needs it said as a type. */
function sayNull(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sayNull);
  if (!isRecord(value)) return value;
  // An example is no schema and may hold whatever looks like one.
  const kept = Object.entries(value).filter(([key]) => key !== "example" && key !== "examples");
  const said = Object.fromEntries(kept.map(([key, each]) => [key, sayNull(each)]));
  if (said["nullable"] !== true) return said;
  const { nullable: _, ...rest } = said;
  return { anyOf: [{ type: "null" }, rest] };
}

/** `instancePath` without the places in lists, so that the same fault in many elements is one line. */
const worded = ({ instancePath, message, params }: z.output<typeof SchemaError>): string =>
  `${instancePath.replaceAll(/\/\d+(?=\/|$)/g, "/*") || "/"} ${message ?? "is wrong"} ${JSON.stringify(params)}`;

/**
 * Checks by the place of a schema in the document, such as `/paths/~1app/get/…/schema`.
 * `from: "text"` takes numbers and truth values as they stand in an address.
 */
export function schemaChecks(packages: Packages, document: unknown): (pointer: string, from: "json" | "text") => Check {
  const said = sayNull(document);
  if (!isRecord(said)) throw new Error("the description is no object");
  const compilers = new Map(
    (["json", "text"] as const).map((from) => {
      const ajv = new (Ajv.parse(packages.load("ajv")))({
        strict: false,
        allErrors: true,
        coerceTypes: from === "text",
        validateSchema: false,
        logger: false,
      });
      Formats.parse(packages.load("ajv-formats"))(ajv);
      ajv.addSchema(said, "description");
      return [from, ajv] as const;
    }),
  );
  const made = new Map<string, Check>();
  return (pointer, from) => {
    const key = `${from} ${pointer}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const $ref = `description#${pointer.split("/").map(encodeURIComponent).join("/")}`;
    // In a list of one, as the compiler changes what it coerces in the place that holds it.
    const validate = Validate.parse(compilers.get(from)?.compile({ type: "array", items: { $ref } }));
    const check: Check = (value) => {
      if (validate([value])) return [];
      return (Errors.parse(validate.errors) ?? []).map((error) =>
        worded({ ...error, instancePath: error.instancePath.replace(/^\/0/, "") }),
      );
    };
    made.set(key, check);
    return check;
  };
}
