/** What the gateway asks others over HTTP: for keys, for who somebody is. */
export interface Web {
  /**
   * `GET`; a redirect is an answer like any other and not followed.
   * @throws an error that says in words why there is no answer.
   */
  get(url: string, question: WebQuestion): Promise<WebAnswer>;
}

export interface WebQuestion {
  readonly headers?: Readonly<Record<string, string>>;
  /** For the whole answer, its body included. */
  readonly timeoutMs: number;
  /** A longer body is no answer. */
  readonly maxBytes: number;
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}
