import type { ByteSource } from './byte_source.ts';

/** The connection that a request came by, as the runtime knows it, and its answer. */
export interface ClientConnection {
  /** The other side's IP address. */
  readonly address: string;
  /** Bytes of the answer that wait in this process for the kernel, or for an HTTP/2 client's window. */
  readonly pendingBytes: number;
  /** Looks how far the client is. @returns another number than before where it took some of them */
  measureProgress(): number;
  /**
   * Takes no other request by it: the client's next one comes by a new connection, which may lead to
   * another gateway. Streams that are open go on.
   */
  letGo(): void;
  /**
   * Is told what the body of an event stream is pulled from. A server that is handed this very
   * response in the end may read from there, and leave the `ReadableStream` alone.
   */
  streams?(response: Response, source: ByteSource): void;
  /** Its answer is watched: it may take as long as its client takes something of it. */
  watched?(): void;
  /** Ends it at once, whatever waits; over HTTP/2 this answer alone. */
  cut(): void;
}
