/** Holds recorded webhooks and GraphQL documents against GitHub's descriptions of them. */
import { z } from "zod";
import type { RecordedExchange, RecordedWebhook } from "../world/github/recording.ts";
import type { Packages } from "./conformance-packages.ts";
import type { Judged } from "./conformance-rest.ts";
import { isRecord, schemaChecks } from "./conformance-schemas.ts";

/** A judge of payloads. `undefined` where the description has no such event and action. */
export function webhookJudge(packages: Packages): (webhook: RecordedWebhook) => Judged | undefined {
  const document: unknown = JSON.parse(packages.text("@octokit/openapi-webhooks/generated/api.github.com.json"));
  const webhooks = isRecord(document) && isRecord(document["webhooks"]) ? document["webhooks"] : {};
  const check = schemaChecks(packages, document);
  return ({ event, action, payload }) => {
    const name = [event, ...(action === undefined ? [] : [action])].join("-").replaceAll("_", "-");
    if (!(name in webhooks)) return undefined;
    const wrong = check(
      `/webhooks/${name}/post/requestBody/content/application~1json/schema`,
      "json",
    )(JSON.parse(payload));
    return { operation: name, violations: wrong.map((each) => ({ about: `webhook ${name}`, wrong: each })) };
  };
}

const Asked = z.object({ query: z.string(), variables: z.record(z.string(), z.unknown()).default({}) });
const Answered = z.object({ data: z.unknown().optional(), errors: z.array(z.unknown()).optional() });
const Fault = z.object({ message: z.string() });
const PossibleTypes = z.custom<{ getPossibleTypes(type: unknown): readonly { readonly name: string }[] }>(
  (value) => typeof value === "object" && value !== null && "getPossibleTypes" in value,
);
const isFunction = (value: unknown): boolean => typeof value === "function";
const Executed = z.object({ errors: z.array(Fault).optional() });
const GraphQL = z.object({
  buildSchema: z.custom<(text: string, how: object) => object>(isFunction),
  parse: z.custom<(text: string) => object>(isFunction),
  validate: z.custom<(schema: object, document: object) => unknown>(isFunction),
  executeSync: z.custom<(how: object) => unknown>(isFunction),
});

/** Of an interface only the fields that all its types share can be asked for, so any of them will do. */
const typeResolver = (_value: unknown, _context: unknown, info: unknown, type: unknown): string => {
  const { schema } = z.object({ schema: PossibleTypes }).parse(info);
  return schema.getPossibleTypes(type)[0]?.name ?? "";
};

/**
 * A judge of documents with their variables and answers. The answer is judged by carrying out the document over it:
 * GitHub's schema has to find every field that was asked for, of its type.
 */
export function graphqlJudge(packages: Packages): (exchange: RecordedExchange) => Judged {
  const graphql = GraphQL.parse(packages.load("graphql"));
  // As published it defines two fields twice, which a builder that looks closely refuses.
  const text = packages.text("@octokit/graphql-schema/schema.graphql");
  const schema = graphql.buildSchema(text, { assumeValid: true, assumeValidSDL: true });
  return ({ requestBody, body, isFault, userAgent }) => {
    const { query, variables } = Asked.parse(JSON.parse(requestBody));
    const answer = isFault ? undefined : Answered.safeParse(JSON.parse(body)).data;
    const wasRefused = (answer?.errors ?? []).length > 0;
    const document = graphql.parse(query);
    const misread = z.array(Fault).parse(graphql.validate(schema, document));
    const isExpected = wasRefused && !userAgent.startsWith("parhelia");
    if (misread.length > 0 || isExpected) return { operation: "GraphQL", violations: isExpected ? [] : said(misread) };
    const rootValue = wasRefused ? undefined : answer?.data;
    const how = { schema, document, variableValues: variables, rootValue, typeResolver };
    const { errors = [] } = Executed.parse(graphql.executeSync(how));
    // Without an answer to look at, only what is wrong with the variables counts.
    const wrong = errors.filter(({ message }) => rootValue !== undefined || message.startsWith("Variable "));
    return { operation: "GraphQL", violations: said(wrong) };
  };
}

const said = (faults: readonly { readonly message: string }[]) =>
  faults.map(({ message }) => ({ about: "GraphQL", wrong: message }));
