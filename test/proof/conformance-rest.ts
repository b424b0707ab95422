/** Holds one recorded call against the operation of GitHub's REST description that its path belongs to. */
import { z } from "zod";
import type { RecordedExchange } from "../world/github/recording.ts";
import type { Packages } from "./conformance-packages.ts";
import { isRecord, schemaChecks } from "./conformance-schemas.ts";

/** `about` says which side is wrong. */
export type Violation = { readonly about: string; readonly wrong: string };
export type Judged = { readonly operation: string; readonly violations: readonly Violation[] };

/** Any call may draw them, and the description names them at some operations only (docs: troubleshooting the REST API). */
const generalStatuses = new Set([301, 304, 400, 401, 403, 404, 422, 429]);

const escaped = (key: string): string => key.replaceAll("~", "~0").replaceAll("/", "~1");

type Parameter = { readonly name: string; readonly in: string; readonly required: boolean; readonly pointer: string };
type Operation = {
  readonly name: string;
  readonly method: string;
  readonly matches: RegExp;
  readonly names: readonly string[];
  readonly parameters: readonly Parameter[];
  readonly pointer: string;
};

const Node = z.looseObject({
  $ref: z.string().optional(),
  name: z.string().optional(),
  in: z.string().optional(),
  required: z.boolean().optional(),
});

/** The object at a pointer, and where it really is. */
function at(document: unknown, pointer: string): { readonly node: unknown; readonly pointer: string } {
  let node = document;
  for (const part of pointer.split("/").slice(1)) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    node = Array.isArray(node) ? node[Number(key)] : isRecord(node) ? node[key] : undefined;
  }
  const reference = isRecord(node) ? node["$ref"] : undefined;
  return typeof reference === "string" ? at(document, reference.slice(1)) : { node, pointer };
}

function parametersOf(document: unknown, pointer: string): Parameter[] {
  const { node } = at(document, `${pointer}/parameters`);
  return (Array.isArray(node) ? node : []).map((_, index) => {
    const found = at(document, `${pointer}/parameters/${index}`);
    const { name = "", in: place = "", required = false } = Node.parse(found.node);
    return { name, in: place, required, pointer: `${found.pointer}/schema` };
  });
}

const multiSegment = new Set(["ref", "path", "basehead", "branch"]);

function operationsOf(document: Record<string, unknown>): Operation[] {
  const paths = isRecord(document["paths"]) ? document["paths"] : {};
  const found = Object.entries(paths).flatMap(([path, methods]) =>
    Object.keys(isRecord(methods) ? methods : {}).map((method) => {
      const pointer = `/paths/${escaped(path)}/${method}`;
      const names = [...path.matchAll(/\{([^}]+)\}/g)].map(([, name = ""]) => name);
      const pattern = path
        .replaceAll(/[.+]/g, String.raw`\$&`)
        .replaceAll(/\{([^}]+)\}/g, (_, name: string) => (multiSegment.has(name) ? "(.+?)" : "([^/]+)"));
      return {
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        matches: new RegExp(`^${pattern}$`),
        names,
        parameters: parametersOf(document, pointer),
        pointer,
      };
    }),
  );
  // `/issues/comments/{id}` before `/issues/{number}/{…}`: the one with the fewest gaps is meant.
  return found.sort((one, other) => one.names.length - other.names.length || other.name.length - one.name.length);
}

const parsed = (text: string): unknown => (text === "" ? undefined : JSON.parse(text));

/** The product's own client calls itself by this name; tests that try refusals use others. */
const isOurs = (exchange: RecordedExchange): boolean => exchange.userAgent.startsWith("parhelia");

/** A judge of calls. `undefined` where the description has no such operation. */
export function restJudge(packages: Packages): (exchange: RecordedExchange) => Judged | undefined {
  const document: unknown = JSON.parse(packages.text("@octokit/openapi/generated/api.github.com.json"));
  if (!isRecord(document)) throw new Error("GitHub's REST description is no object");
  const check = schemaChecks(packages, document);
  const operations = operationsOf(document);

  function wrongParameters(operation: Operation, path: string, query: string): string[] {
    const [, ...values] = operation.matches.exec(path) ?? [];
    const inPath = new Map(operation.names.map((name, index) => [name, decodeURIComponent(values[index] ?? "")]));
    const inQuery = new Map(new URLSearchParams(query));
    const known = new Set(operation.parameters.filter((each) => each.in === "query").map(({ name }) => name));
    const unknown = [...inQuery.keys()].filter((name) => !known.has(name)).map((name) => `unknown parameter ${name}`);
    const wrong = operation.parameters.flatMap(({ name, in: place, required, pointer }) => {
      if (place !== "path" && place !== "query") return [];
      const value = (place === "path" ? inPath : inQuery).get(name);
      if (value === undefined) return required ? [`parameter ${name} is missing`] : [];
      return check(pointer, "text")(value).map((words) => `parameter ${name}: ${words}`);
    });
    return [...unknown, ...wrong];
  }

  function wrongRequest(operation: Operation, { requestBody, method }: RecordedExchange): readonly string[] {
    const { node, pointer } = at(document, `${operation.pointer}/requestBody`);
    if (node === undefined) return requestBody === "" || method === "GET" ? [] : ["a body where none is described"];
    const { required = false } = Node.parse(node);
    if (requestBody === "") return required ? ["the body is missing"] : [];
    return check(`${pointer}/content/application~1json/schema`, "json")(parsed(requestBody));
  }

  function wrongAnswer(operation: Operation, exchange: RecordedExchange): readonly string[] {
    const { status, body, contentType } = exchange;
    const { node, pointer } = at(document, `${operation.pointer}/responses/${status}`);
    if (node === undefined) {
      if (!generalStatuses.has(status)) return [`status ${status} is not described`];
      return status === 304 ? [] : check("/components/schemas/basic-error", "json")(parsed(body));
    }
    const content = isRecord(node) && isRecord(node["content"]) ? node["content"] : {};
    if (!("application/json" in content))
      return body === "" || !contentType.startsWith("application/json") ? [] : ["a body where none is described"];
    if (body === "") return ["the body is missing"];
    return check(`${pointer}/content/application~1json/schema`, "json")(parsed(body));
  }

  return (exchange) => {
    const [path = "", query = ""] = exchange.path.split("?", 2);
    const operation = operations.find((each) => each.method === exchange.method && each.matches.test(path));
    if (operation === undefined) return undefined;
    const wasRefused = exchange.status >= 400;
    // Refusals are what tests of the stand-in ask for; whatever the product itself sends has to be right.
    const asked =
      wasRefused && !isOurs(exchange)
        ? []
        : [...wrongParameters(operation, path, query), ...wrongRequest(operation, exchange)];
    const violations = [
      ...asked.map((wrong) => ({ about: `request of ${operation.name}`, wrong })),
      ...(exchange.isFault ? [] : wrongAnswer(operation, exchange)).map((wrong) => ({
        about: `answer ${exchange.status} of ${operation.name}`,
        wrong,
      })),
    ];
    return { operation: operation.name, violations };
  };
}
