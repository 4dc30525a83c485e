import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Server, Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import { StreamResponse } from './stream_response.ts';
import type { Turns } from './turns.ts';

/** What is parsed at once, at most: a slice ends where a head ends, so that it begins one request. */
const SLICE_BYTES = 1024;
/**
 * How long a request waits that was sent before the one in front of it was answered. No browser or
 * proxy does that, and thousands in one write would cost as much as thousands of clients.
 */
const PIPELINED_MS = 10;
const END_OF_HEAD = '\n\r\n';
/** What is kept of a connection until it has its turn; then no more is read before. */
const MAX_KEPT_BYTES = 4096;

const NOTHING = Buffer.alloc(0);

type Begin = () => void;
type OnData = (bytes: Buffer) => void;

/**
 * The requests of one connection of HTTP/1.1, begun one after the other. Node and Deno begin all that
 * a read brings, 2,000 in 64 kB, and those that wait behind another's answer never learn that their
 * connection is over. Here one is under way; what was read behind it is kept, and no more is read.
 * Behind a stream nothing comes: it is read, so that a reset is noticed, and thrown away.
 *
 * What is read is parsed by turns: the heads of a thousand connections may come in one turn of the
 * event loop, and take a tenth of a second.
 */
export class Pipeline {
  static readonly #all = new WeakMap<Socket, Pipeline>();
  readonly #socket: Socket;
  readonly #turns: Turns;
  readonly #parse: OnData;
  #request: IncomingMessage | null = null;
  #response: ServerResponse | null = null;
  /**
   * Read, and not parsed yet. Not given back to the socket: on Deno 2.9 some 700 bytes would stay for
   * each time until all memory is looked through.
   */
  #rest: Buffer = NOTHING;
  /** Begun by the same slice: behind a body, or with line ends that are none. */
  readonly #waiting: Begin[] = [];

  /** Has the connections of HTTP/1.1 that a server will have go through a pipeline each. */
  static serve(server: Server, event: 'connection' | 'secureConnection', turns: Turns): void {
    const isHttp1 = (socket: Socket): boolean => (socket as TLSSocket).alpnProtocol !== 'h2';
    server.prependListener(event, (socket: Socket) => {
      if (isHttp1(socket)) showBytes(socket);
    });
    // By now its parser listens.
    server.on(event, (socket: Socket) => {
      if (isHttp1(socket)) Pipeline.#all.set(socket, new Pipeline(socket, turns));
    });
  }

  /** Begins a request in its turn. */
  static begin(request: IncomingMessage, response: ServerResponse, begin: Begin): void {
    Pipeline.#all.get(request.socket)!.#begin(request, response, begin);
  }

  /** Whether a connection speaks HTTP/1.1: one whose TLS handshake is not over does not yet. */
  static has(socket: Socket): boolean {
    return Pipeline.#all.has(socket);
  }

  /** Whether a connection has a request whose head was read. */
  static hasRequest(socket: Socket): boolean {
    const pipeline = Pipeline.#all.get(socket);
    return pipeline !== undefined && pipeline.#request !== null;
  }

  /** Whether what has come by a connection waits for its turn. */
  static waits(socket: Socket): boolean {
    const pipeline = Pipeline.#all.get(socket);
    return pipeline !== undefined && pipeline.#rest.length > 0;
  }

  private constructor(socket: Socket, turns: Turns) {
    this.#socket = socket;
    this.#turns = turns;
    this.#parse = socket.listeners('data')[0] as OnData;
    socket.removeListener('data', this.#parse);
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('resume', () => this.#takeRest());
  }

  #read(bytes: Buffer): void {
    if (this.#isBehindStream) return;
    const isFirst = this.#rest.length === 0;
    this.#rest = isFirst ? bytes : Buffer.concat([this.#rest, bytes]);
    if (isFirst) this.#turns.take(this.#socket, this.#takeTurn);
    if (this.#rest.length > MAX_KEPT_BYTES) this.#socket.pause();
  }

  readonly #takeTurn = (): void => {
    this.#takeRest();
    if (this.#rest.length === 0 && this.#socket.isPaused()) this.#socket.resume();
  };

  get #isBehindStream(): boolean {
    const response = this.#response;
    return response instanceof StreamResponse && response.isStream && this.#request!.complete;
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    // Once this side has ended, as after a head that is refused, nothing more is begun.
    while (rest.length > 0 && this.#socket.writable) {
      if (this.#request?.complete) {
        if (this.#isBehindStream) return;
        this.#rest = rest;
        this.#socket.pause();
        return;
      }
      const end = rest.subarray(0, SLICE_BYTES).indexOf(END_OF_HEAD);
      const length = end < 0 ? SLICE_BYTES : end + END_OF_HEAD.length;
      this.#parse(rest.subarray(0, length));
      rest = rest.subarray(length);
    }
  }

  #takeRest(): void {
    const rest = this.#rest;
    this.#rest = NOTHING;
    this.#take(rest);
  }

  #begin(request: IncomingMessage, response: ServerResponse, begin: Begin): void {
    if (this.#request !== null) {
      this.#waiting.push(() => this.#begin(request, response, begin));
      return;
    }
    this.#request = request;
    this.#response = response;
    response.once('close', () => {
      // Both in a turn of its own: on Deno 2.9 what is begun within the end of another request keeps
      // that in memory until all of it is looked through.
      if (this.#rest.length + this.#waiting.length === 0) setImmediate(this.#next);
      else setTimeout(this.#next, PIPELINED_MS);
    });
    begin();
  }

  readonly #next = (): void => {
    this.#request = null;
    this.#response = null;
    if (this.#socket.destroyed) return;
    const begin = this.#waiting.shift();
    if (begin === undefined) this.#takeRest();
    else begin();
    if (this.#rest.length === 0) this.#socket.resume();
  };
}

/** The parser would read by itself, below the socket, where nobody has done so before. */
function showBytes(socket: Socket): void {
  const { _handle: handle } = socket as { _handle?: { _consumed?: boolean } | null };
  if (handle) handle._consumed = true;
}
