import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Http2ServerResponse } from 'node:http2';
import type { ByteSource, Receiver } from '../../app/ports/byte_source.ts';

type Outgoing = ServerResponse | Http2ServerResponse;

/** What both have of a stream. */
interface Sink {
  write(bytes: Uint8Array): boolean;
  end(): unknown;
  on(event: 'close' | 'error' | 'drain', listener: () => void): unknown;
}

/**
 * Sends the response of an event stream: its head, and then what its body is pulled from, for as long
 * as its client stays.
 *
 * A delivery is source, `receive`, `response.write`, with nothing made for it and no promise. The
 * body itself, a `ReadableStream`, would make some three promises of each event and client, a third
 * of what a delivery costs, and each client would hold it, and three functions of
 * `@hono/node-server` that wait for its end.
 */
export function sendStream(
  outgoing: Outgoing,
  { status, headers }: Response,
  source: ByteSource,
): void {
  if (isOver(outgoing)) {
    source.cancel();
    return;
  }
  const fields: OutgoingHttpHeaders = Object.fromEntries(headers);
  const cookies = headers.getSetCookie();
  if (cookies.length > 0) fields['set-cookie'] = cookies;
  outgoing.writeHead(status, fields);
  // Over HTTP/2 it is out by now; here also where no bytes follow at once.
  if ('flushHeaders' in outgoing) outgoing.flushHeaders();
  new Sending(outgoing, source).start();
}

function isOver(outgoing: Outgoing): boolean {
  if (!('stream' in outgoing)) return outgoing.destroyed;
  const { stream } = outgoing;
  return !stream || stream.closed || stream.destroyed;
}

/** What is sent to one client. */
class Sending implements Receiver {
  readonly #outgoing: Sink;
  readonly #source: ByteSource;
  #isFull = false;
  #isAsking = false;
  #wantsMore = false;
  #hasEnded = false;

  constructor(outgoing: Sink, source: ByteSource) {
    this.#outgoing = outgoing;
    this.#source = source;
  }

  start(): void {
    const cancel = (): void => {
      if (!this.#hasEnded) this.#source.cancel();
      this.#hasEnded = true;
    };
    this.#outgoing.on('close', cancel);
    // Told to nobody else, it would end the process.
    this.#outgoing.on('error', cancel);
    this.#outgoing.on('drain', () => {
      if (this.#isFull) this.#ask();
    });
    this.#ask();
  }

  receive(bytes: Uint8Array): void {
    this.#isFull = !this.#outgoing.write(bytes);
    if (!this.#isFull) this.#ask();
  }

  end(): void {
    this.#hasEnded = true;
    this.#outgoing.end();
  }

  /** In a loop where the source answers at once: calls within each other would end the stack. */
  #ask(): void {
    this.#isFull = false;
    this.#wantsMore = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (this.#wantsMore && !this.#hasEnded) {
      this.#wantsMore = false;
      this.#source.next(this);
    }
    this.#isAsking = false;
  }
}
