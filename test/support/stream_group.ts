/** Streams that end together. */
export class StreamGroup implements AsyncDisposable {
  readonly #streams: AsyncDisposable[] = [];

  add<T extends AsyncDisposable>(stream: T): T {
    this.#streams.push(stream);
    return stream;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#streams.map((stream) => stream[Symbol.asyncDispose]()));
  }
}
