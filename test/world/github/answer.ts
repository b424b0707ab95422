/** How GitHub answers: JSON with a status, its shapes of refusal, and pages with Link headers. */
import type { Context as HonoContext, Hono } from "hono";
import { z } from "zod";
import { limits } from "./limits.ts";
import type { Caller } from "./state.ts";

type Bindings = { readonly caller: Caller; readonly origin: string };
export type Api = Hono<{ Bindings: Bindings }>;
export type Context = HonoContext<{ Bindings: Bindings }>;

/** Thrown anywhere in a route; becomes the answer. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  readonly status: number;
  readonly more: object;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, more: object = {}, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.more = more;
    this.headers = headers;
  }
}

export const notFound = (): ApiError => new ApiError(404, "Not Found");
export const inaccessible = (): ApiError => new ApiError(403, "Resource not accessible by integration");
/** A rule about one field, in the shape of `Validation Failed`. */
export const invalid = (resource: string, field: string, code: string, message?: string): ApiError =>
  new ApiError(422, "Validation Failed", { errors: [{ resource, field, code, ...(message && { message }) }] });
/** A request that GitHub's schema refuses before looking at state. */
export const malformed = (why: string): ApiError => new ApiError(422, `Invalid request.\n\n${why}`);

export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(JSON.stringify(value), {
    status,
    headers: { "content-type": "application/json; charset=utf-8", ...headers },
  });
}

export const nothing = (): Response => new Response(null, { status: 204 });

export function refused(error: ApiError): Response {
  const body = {
    message: error.message,
    ...error.more,
    documentation_url: "https://docs.github.com/rest",
    status: String(error.status),
  };
  return json(body, error.status, error.headers);
}

export async function readBody<S extends z.ZodType>(context: Context, schema: S): Promise<z.output<S>> {
  const text = await context.req.text();
  let value: unknown = {};
  try {
    if (text !== "") value = JSON.parse(text);
  } catch (error) {
    throw new ApiError(400, "Problems parsing JSON", { cause: String(error) });
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw malformed(z.prettifyError(parsed.error));
  return parsed.data;
}

/** The part of the path, or 404: Hono has matched it, but its types do not follow into helpers. */
export function part(context: Context, name: string): string {
  const value = context.req.param(name);
  if (value === undefined) throw notFound();
  return value;
}

export function numberPart(context: Context, name: string): number {
  const value = Number(part(context, name));
  if (!Number.isSafeInteger(value)) throw notFound();
  return value;
}

/** One page by `per_page` (30, at most 100) and `page`, with the Link header that GitHub adds. */
export function paged<T>(
  context: Context,
  items: readonly T[],
  shape: (item: T) => unknown,
  wrap: (page: readonly unknown[], total: number) => unknown = (page) => page,
): Response {
  const size = Math.min(Math.max(Number(context.req.query("per_page") ?? 30) || 30, 1), 100);
  const page = Math.max(Number(context.req.query("page") ?? 1) || 1, 1);
  const last = Math.max(Math.ceil(items.length / size), 1);
  const link = (rel: string, number: number): string => {
    const url = new URL(context.req.url);
    url.searchParams.set("page", String(number));
    // The client follows this address, so it must be the one that it called, not the route inside.
    return `<${context.env.origin}${url.pathname}${url.search}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [link("prev", page - 1)] : []),
    ...(page < last ? [link("next", page + 1), link("last", last)] : []),
    ...(page > 1 ? [link("first", 1)] : []),
  ];
  const shown = items.slice((page - 1) * size, page * size).map((item) => shape(item));
  return json(wrap(shown, items.length), 200, links.length > 0 ? { link: links.join(", ") } : {});
}

/** GitHub counts characters, not bytes, in comments and descriptions. */
export function checkLength(resource: string, body: string | null | undefined): void {
  if (body === null || body === undefined || body.length <= limits.bodyCharacters) return;
  if ([...body].length > limits.bodyCharacters)
    throw invalid(resource, "body", "custom", "body is too long (maximum is 65536 characters)");
}
