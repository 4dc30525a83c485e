import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import { isEventStream } from './stream_response.ts';
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

/**
 * Answers under way on one connection, event streams left out: each is in memory whole until the
 * client's window takes it. The requests behind them cost what it takes to know them.
 */
const MAX_ANSWERS = 64;

/** What the requests of one turn may cost: a record takes two or three of them on Deno. */
const TURN_MS = 4;
/** What a request costs after it has begun, about. */
const ANSWER_MS = 0.5;
/** How long an answer that is no stream may take, however slowly its client takes it. */
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
 * Requests on their way to the application: a few of them in each turn, from each connection in its
 * turn, and of one of HTTP/2 no more than it takes answers. One whose client has left is never begun.
 */
export class Requests {
  /** By connection. */
  readonly turns = new Turns(TURN_MS);
  readonly #cut: (session: ServerHttp2Session) => void;
  readonly #largeHeads = new WeakMap<ServerHttp2Session, number>();
  readonly #answers = new WeakMap<ServerHttp2Session, Answers>();
  /** Of the requests that count among the answers of their connection. */
  readonly #leave = new WeakMap<Http2ServerResponse, () => void>();
  /** Those that are watched by the application. */
  readonly #watched = new WeakSet<Http2ServerResponse>();

  /** @param cut ends a connection that is an attack */
  constructor(cut: (session: ServerHttp2Session) => void) {
    this.#cut = cut;
  }

  /** The same listener; of a connection of HTTP/1.1 it is handed one request after the other. */
  limit(listener: RequestListener): RequestListener {
    return (request, response) => {
      const begin = (): void => listener(request, response);
      if ('stream' in response) {
        this.#takeHttp2(request, response, begin);
        return;
      }
      const { socket } = request;
      this.turns.take(socket, () => (socket.destroyed ? false : begin()), ANSWER_MS);
    };
  }

  /** The application looks itself whether the client takes this answer, which may take long. */
  leaveToWatch(outgoing: Http2ServerResponse): void {
    this.#watched.add(outgoing);
    this.#leave.get(outgoing)?.();
  }

  /** To be called before the head is written, with the response that will be sent. */
  prepare(outgoing: Http2ServerResponse, response: Response, connection: { cut(): void }): void {
    if (isEventStream(response)) this.#leave.get(outgoing)?.();
    else if (!this.#watched.has(outgoing)) endWithin(outgoing, connection);
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

  #takeHttp2(
    request: { readonly rawHeaders: string[] },
    response: Http2ServerResponse,
    begin: () => void,
  ): void {
    const { stream } = response;
    const session = stream.session as ServerHttp2Session | undefined;
    if (session === undefined || session.destroyed) return;
    if (this.#isAttack(session, request)) {
      this.#cut(session);
      return;
    }
    // Also one that has to wait then: on Deno no more is read before.
    this.turns.take(session, () => this.#enter(session, response, begin), ANSWER_MS);
  }

  /** @returns false where there is nothing to answer any more */
  #enter(session: ServerHttp2Session, response: Http2ServerResponse, begin: () => void): boolean {
    const { stream } = response;
    if (stream.closed) {
      // One that was reset without an error would be kept for as long as its connection.
      stream.destroy();
      return false;
    }
    // The same, and what was not taken of an answer. Not at once: it is about to end the stream.
    stream.once('aborted', () => setImmediate(() => stream.destroy()));
    const answers = this.#answersOf(session);
    const leave = (): void => {
      const next = answers.leave(begin);
      if (next !== undefined) this.turns.take(session, next, ANSWER_MS);
    };
    this.#leave.set(response, leave);
    stream.once('close', leave);
    answers.enter(begin);
    return true;
  }

  #answersOf(session: ServerHttp2Session): Answers {
    const known = this.#answers.get(session);
    if (known !== undefined) return known;
    const answers = new Answers();
    this.#answers.set(session, answers);
    return answers;
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

/** What is under way on one connection, and what waits until there is room. */
class Answers {
  readonly #underWay = new Set<() => void>();
  readonly #waiting = new Set<() => void>();

  enter(begin: () => void): void {
    if (this.#underWay.size >= MAX_ANSWERS) {
      this.#waiting.add(begin);
      return;
    }
    this.#underWay.add(begin);
    begin();
  }

  /**
   * May be called again.
   * @returns what is to begin in its place
   */
  leave(begin: () => void): (() => void) | undefined {
    this.#waiting.delete(begin);
    if (!this.#underWay.delete(begin)) return undefined;
    const [next] = this.#waiting;
    if (next === undefined) return undefined;
    this.#waiting.delete(next);
    this.#underWay.add(next);
    // Not where it is over by then.
    return () => this.#underWay.has(next) && next();
  }
}

/** Cuts a request whose answer is not taken, or whose body does not end. */
export function endWithin(
  response: ServerResponse | Http2ServerResponse,
  connection: { cut(): void },
): void {
  const timer = setTimeout(() => connection.cut(), MAX_ANSWER_MS).unref();
  const answer = 'stream' in response ? response.stream : response;
  answer.once('close', () => clearTimeout(timer));
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
