import { H2Session } from '../support/h2_session.ts';
import { SseStream } from '../support/sse_stream.ts';

/** A stream over HTTP/1.1 and one over HTTP/2. */
export class StreamPair implements AsyncDisposable {
  readonly both: readonly [SseStream, SseStream];
  readonly #h2: H2Session;

  static async open(url: string, headers: Readonly<Record<string, string>>): Promise<StreamPair> {
    const h2 = new H2Session(url);
    const http1 = await SseStream.open(url, { headers });
    return new StreamPair([http1, await SseStream.open(url, { headers, h2: h2.session })], h2);
  }

  private constructor(both: readonly [SseStream, SseStream], h2: H2Session) {
    this.both = both;
    this.#h2 = h2;
  }

  /** What the connection of the second one speaks. */
  get protocol(): string | false | null | undefined {
    return this.#h2.session.alpnProtocol;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const stream of this.both) await stream[Symbol.asyncDispose]();
    await this.#h2[Symbol.asyncDispose]();
  }
}
