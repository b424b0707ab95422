/**
 * Modal's wire format. The client has it inside and exports none of it, so its own file is loaded a second time with
 * the service definitions exported (modal.md §5 "Wire types"); what is said about them to the type checker is inferred
 * from the client.
 */
import { registerHooks } from "node:module";
import type { ModalClient } from "modal";
import type { CallContext } from "nice-grpc";

type Calls = ModalClient["cpClient"];

/** Enumerations are numbers here: the client exports none of theirs. */
type Part<T> = T extends number
  ? number
  : T extends Date | Uint8Array
    ? T
    : T extends readonly (infer One)[]
      ? readonly Part<One>[]
      : T extends object
        ? { readonly [Key in keyof T]?: Part<T[Key]> | undefined }
        : T;

/** What the client sends: any field may be absent to the type checker, though the wire fills in its zero. */
export type Asked<Name extends keyof Calls> = Part<Parameters<Calls[Name]>[0]>;

type Answered<Name extends keyof Calls> =
  ReturnType<Calls[Name]> extends Promise<infer One>
    ? Promise<Part<One>>
    : ReturnType<Calls[Name]> extends AsyncIterable<infer Many>
      ? AsyncIterable<Part<Many>>
      : never;

/** One part of the control plane. What no part has answers UNIMPLEMENTED. */
export type Handlers = {
  readonly [Name in keyof Calls]?: (asked: Asked<Name>, context: CallContext) => Answered<Name>;
};

export type Result = Part<Awaited<ReturnType<Calls["sandboxWaitV2"]>>["result"]>;

/** `GenericResult.GenericStatus`. */
export const status = {
  success: 1,
  failure: 2,
  terminated: 3,
  timeout: 4,
  initFailure: 5,
  internalFailure: 6,
  idleTimeout: 7,
} as const;

/** `FileDescriptor`, in everything but a router's own calls. */
export const descriptor = { stdout: 1, stderr: 2, info: 3 } as const;

export interface Service {
  readonly name: string;
  readonly fullName: string;
  readonly methods: Readonly<Record<string, unknown>>;
}

interface Message {
  fromPartial(value: object): object;
  encode(value: object): { finish(): Uint8Array };
}

interface Wire {
  readonly ModalClientDefinition: Service;
  readonly TaskCommandRouterDefinition: Service;
  readonly RPCStatus: Message;
  readonly RPCRetryPolicy: Message;
}

const wanted = ["ModalClientDefinition", "TaskCommandRouterDefinition", "RPCStatus", "RPCRetryPolicy"];

async function load(): Promise<Wire> {
  const address = `${import.meta.resolve("modal")}?wire`;
  registerHooks({
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (url !== address) return loaded;
      return { ...loaded, source: `${String(loaded.source)}\nexport { ${wanted.join(", ")} };` };
    },
  });
  return import(address) as Promise<Wire>;
}

export const wire = await load();

/** The service with only these methods: a client is told of the others that they do not exist. */
export const only = (service: Service, names: readonly string[]): Service => ({
  ...service,
  methods: Object.fromEntries(Object.entries(service.methods).filter(([name]) => names.includes(name))),
});

/** What `grpc-status-details-bin` holds when the server says when to come again (modal.md §2). */
export function retryPolicy(code: number, message: string, retryAfterSecs: number): Uint8Array {
  const { RPCRetryPolicy, RPCStatus } = wire;
  const value = RPCRetryPolicy.encode(RPCRetryPolicy.fromPartial({ retryAfterSecs })).finish();
  const details = [{ typeUrl: "type.googleapis.com/modal.client.RPCRetryPolicy", value }];
  return RPCStatus.encode(RPCStatus.fromPartial({ code, message, details })).finish();
}
