import type { ServerResponse } from 'node:http';
import { constants, type Http2ServerResponse, type Http2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { ByteSource } from '../../app/ports/byte_source.ts';
import type { ClientConnection } from '../../app/ports/client_connection.ts';

/** What a server knows of the answer to a request. */
abstract class KnownAnswer {
  /** Whether the application looks itself whether the client takes the answer. */
  isWatched = false;
  #stream: { readonly response: Response; readonly source: ByteSource } | null = null;

  watched(): void {
    this.isWatched = true;
  }

  streams(response: Response, source: ByteSource): void {
    this.#stream = { response, source };
  }

  /** What a response is to be sent from; `null`: from its body. Once asked, it is forgotten. */
  takeSource(response: Response): ByteSource | null {
    const stream = this.#stream;
    this.#stream = null;
    return stream?.response === response ? stream.source : null;
  }
}

/** Of a request over HTTP/1.1. */
export class Http1Connection extends KnownAnswer implements ClientConnection {
  readonly address: string;
  readonly #response: ServerResponse;
  readonly #socket: Socket;

  /** @param socket below TLS */
  constructor(address: string, response: ServerResponse, socket: Socket) {
    super();
    this.address = address;
    this.#response = response;
    this.#socket = socket;
  }

  get pendingBytes(): number {
    return this.#response.destroyed ? 0 : this.#response.writableLength;
  }

  /** Bytes of the arrays that were taken whole, and what was taken of the one under way. */
  measureProgress(): number {
    const { socket } = this.#response;
    if (socket === null) return 0;
    return socket.bytesWritten - socket.writableLength - queuedBytes(socket);
  }

  letGo(): void {
    this.#response.shouldKeepAlive = false;
  }

  cut(): void {
    // Ended in order, the kernel would keep MBs for it for minutes.
    this.#socket.resetAndDestroy();
  }
}

/**
 * What is left of the array under way. Node shows it nowhere else; its own `socket.setTimeout` asks
 * there, too. Without it a client that takes less than an array in the time would look stalled.
 */
function queuedBytes(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize?: number } | null };
  return handle?.writeQueueSize ?? 0;
}

/** More than a few answers to pings, which are no bytes of a stream. */
const MIN_PROGRESS_BYTES = 256;

/** A connection of HTTP/2. */
export interface Http2Use {
  /** Below TLS. */
  readonly socket: Socket | undefined;
  /** Streams that are open on it. */
  streams: number;
}

/** Of a request over HTTP/2. */
export class Http2Connection extends KnownAnswer implements ClientConnection {
  readonly address: string;
  readonly #response: Http2ServerResponse;
  readonly #use: Http2Use;
  #progress = 0;
  #lastPending = 0;
  #lastSent = 0;

  constructor(address: string, response: Http2ServerResponse, use: Http2Use) {
    super();
    this.address = address;
    this.#response = response;
    this.#use = use;
    response.stream.on('drain', () => {
      this.#progress++;
    });
  }

  get pendingBytes(): number {
    const { stream } = this.#response;
    if (stream.destroyed) return 0;
    // On Deno the connection has a queue of its own.
    return stream.writableLength || (stream.session?.socket.writableLength ?? 0);
  }

  /**
   * Node tells of a stream only when an array was taken whole. A connection that carries this one
   * alone tells more: what goes out there is this stream's. Of one that has handed all to its
   * connection, what goes out there may be, and is enough.
   */
  measureProgress(): number {
    const { pendingBytes: pending } = this;
    if (pending < this.#lastPending) this.#progress++;
    this.#lastPending = pending;
    const { stream } = this.#response;
    const socket = stream.session?.socket;
    const sent = socket === undefined ? 0 : socket.bytesWritten - socket.writableLength;
    if (sent - this.#lastSent >= MIN_PROGRESS_BYTES) {
      this.#lastSent = sent;
      if (this.#use.streams === 1 || stream.writableLength === 0) this.#progress++;
    }
    return this.#progress;
  }

  letGo(): void {
    // Sends GOAWAY; the answer still comes.
    this.#response.stream.session?.close();
  }

  cut(): void {
    const { stream } = this.#response;
    const { session } = stream;
    stream.close(constants.NGHTTP2_CANCEL);
    stream.once('close', () => this.#resetUnused(session));
    // On a connection that takes nothing the reset would wait, and all that is before it be kept.
    stream.destroy();
  }

  /** Resets a connection that takes nothing, and carries no stream that could be hurt. */
  #resetUnused(session: Http2Session | undefined): void {
    const { socket, streams } = this.#use;
    if (streams > 0 || socket === undefined || !session || session.destroyed) return;
    if (queuedBytes(socket) + session.socket.writableLength > 0) socket.resetAndDestroy();
  }
}
