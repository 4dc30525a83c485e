import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import { Turns } from './turns.ts';

/** Heads up to 32 kB are promised: the id of a topic of 1,000 partitions takes 10 kB. */
export const MAX_HEAD_BYTES = 64 * 1024;
/** As HTTP/2 counts them, with 32 bytes for each header: what is above resets its stream. */
export const MAX_HEADER_LIST_BYTES = 96 * 1024;
/** 256 are promised, and there are those of HTTP/2 itself. */
export const MAX_HEADER_PAIRS = 300;
/**
 * Streams on one connection: a proxy in front puts all its clients on a few, and opens another one
 * at this many. They may all be asked for in one packet, and each costs some 0.1 ms before the first
 * of them can be looked at.
 */
export const MAX_STREAMS = 1000;

/** What the requests of one turn of the event loop may cost: a record takes some ten turns on Deno. */
const TURN_MS = 4;
/** What a request costs after it has begun, about. */
const ANSWER_MS = 0.5;
/** How long an answer that is no stream may take, however small the client's window is. */
const MAX_ANSWER_MS = 30_000;
/** PING and SETTINGS that a connection may send in so many milliseconds, before it is cut. */
const MAX_CONTROL_FRAMES = 1000;
const CONTROL_MS = 10_000;
/** Heads of a connection that were answered with 431, before it is cut. */
const MAX_LARGE_HEADS = 10;

export type RequestListener = (
  request: IncomingMessage | Http2ServerRequest,
  response: ServerResponse | Http2ServerResponse,
) => void;

/**
 * Requests of HTTP/2 on their way to the application: a few of them in each turn, from each
 * connection in its turn. One that is reset before is never begun.
 */
export class Http2Requests {
  /** By session. */
  readonly turns = new Turns(TURN_MS);
  readonly #cut: (session: ServerHttp2Session) => void;
  readonly #largeHeads = new WeakMap<ServerHttp2Session, number>();

  /** @param cut ends a connection that is an attack */
  constructor(cut: (session: ServerHttp2Session) => void) {
    this.#cut = cut;
  }

  /** The same listener; requests of HTTP/1.1 go through. */
  limit(listener: RequestListener): RequestListener {
    return (request, response) => {
      if (!('stream' in response)) {
        listener(request, response);
        return;
      }
      const { stream } = response;
      const session = stream.session as ServerHttp2Session | undefined;
      if (session === undefined || session.destroyed) return;
      if (this.#isAttack(session, request)) {
        this.#cut(session);
        return;
      }
      this.turns.take(
        session,
        () => {
          if (!stream.closed) listener(request, response);
          // One that was reset without an error would be kept for as long as its connection.
          else stream.destroy();
        },
        ANSWER_MS,
      );
    };
  }

  /** To be called with each connection: cuts one that asks for answers, and for nothing else. */
  watch(session: ServerHttp2Session): void {
    let since = performance.now();
    let frames = 0;
    const count = (): void => {
      const now = performance.now();
      if (now - since > CONTROL_MS) {
        since = now;
        frames = 0;
      }
      frames++;
      // Not at once: Deno 2.9 crashes where a connection is destroyed while it reads.
      if (frames === MAX_CONTROL_FRAMES + 1) setImmediate(() => this.#cut(session));
    };
    session.on('ping', count);
    session.on('remoteSettings', count);
  }

  /**
   * A client that has not answered our SETTINGS yet is bound by their defaults, which know no size
   * of a head, and a header of 4 kB may be referred to by a single byte.
   */
  #isAttack(session: ServerHttp2Session, { rawHeaders }: { rawHeaders: string[] }): boolean {
    if (headerListBytes(rawHeaders) > MAX_HEADER_LIST_BYTES) return true;
    if (headBytes(rawHeaders) <= MAX_HEAD_BYTES) return false;
    const before = this.#largeHeads.get(session) ?? 0;
    this.#largeHeads.set(session, before + 1);
    return before >= MAX_LARGE_HEADS;
  }
}

/** Cuts a request whose answer is not taken, or whose body does not end. */
export function endWithin(response: Http2ServerResponse, connection: { cut(): void }): void {
  const timer = setTimeout(() => connection.cut(), MAX_ANSWER_MS).unref();
  response.stream.once('close', () => clearTimeout(timer));
}

/** Whether a head has to be refused; over HTTP/1.1 the parser has looked. */
export function isTooLarge({ rawHeaders }: { rawHeaders: string[] }): boolean {
  return headBytes(rawHeaders) > MAX_HEAD_BYTES;
}

/** As HTTP/1.1 would have it. */
function headBytes(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 2, 0);
}

function headerListBytes(rawHeaders: readonly string[]): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + 16, 0);
}
