/** The model's API as the service reaches it. Its protocol is the Messages API; a stand-in speaks it at another address. */
export interface ModelApi {
  /** Without a path, such as `https://api.anthropic.com`. */
  readonly baseUrl: string;
  /** Never leaves the service: not to a sandbox, not into a log. */
  readonly apiKey: string;
  readonly fetch: typeof fetch;
}
