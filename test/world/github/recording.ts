/** Writes down what the stand-in hears and says, so that all of it can be held against GitHub's published descriptions afterwards. */
import { appendFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";

export type RecordedExchange = {
  readonly kind: "exchange";
  readonly method: string;
  /** Below the API's root, as it was asked, with its query. */
  readonly path: string;
  readonly userAgent: string;
  readonly requestBody: string;
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Answered by a fault that a test asked for, in place of the stand-in. */
  readonly isFault: boolean;
};
export type RecordedWebhook = {
  readonly kind: "webhook";
  readonly event: string;
  readonly action: string | undefined;
  /** JSON, as it is sent. */
  readonly payload: string;
};
export type Recorded = RecordedExchange | RecordedWebhook;

export type Recording = {
  add(one: Recorded): void;
  /** Hands the request to the handler and writes down both sides, unless the connection breaks. */
  exchange(
    request: Request,
    path: string,
    answer: (request: Request) => Promise<{ readonly response: Response; readonly isFault: boolean }>,
  ): Promise<Response>;
};

/** A folder gets one file for each process, to which whole lines are appended. */
export function openRecording(folder: string, processId: number): Recording {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${processId}.ndjson`);
  const add = (one: Recorded): void => appendFileSync(file, `${JSON.stringify(one)}\n`);
  return {
    add,
    async exchange(request, path, answer) {
      const requestBody = await request.clone().text();
      const { response, isFault } = await answer(request);
      add({
        kind: "exchange",
        method: request.method,
        path,
        userAgent: request.headers.get("user-agent") ?? "",
        requestBody,
        status: response.status,
        contentType: response.headers.get("content-type") ?? "",
        body: await response.clone().text(),
        isFault,
      });
      return response;
    },
  };
}
