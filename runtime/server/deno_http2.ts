/**
 * What Deno's node:http2 lacks: it takes in all that comes at once, and hands out all it is given.
 *
 * @module
 */

import type { Server } from 'node:http';
import { type Http2ServerRequest, Http2ServerResponse, type ServerHttp2Session } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import type { Turns } from './turns.ts';

/** What may wait for the kernel on one connection, in bytes, before its streams are held back. */
const MAX_QUEUED_BYTES = 256 * 1024;
/** What may wait for the kernel on one connection, in bytes, before it is not read from any more. */
const MAX_UNREAD_BYTES = 1024 * 1024;
/** What the answers to a piece cost after it was read, about. */
const ANSWER_MS = 1;
/** What a connection reads at once: a few dozen heads at most. */
const PIECE_BYTES = 512;

/**
 * A response over HTTP/2 that has room for more only while its connection takes what there is. Node
 * sees to that by itself. Deno takes all that the client's window allows into memory, and a client
 * may announce 2 GB and then read nothing.
 */
export class HeldBackResponse<
  Request extends Http2ServerRequest = Http2ServerRequest,
> extends Http2ServerResponse<Request> {
  override write(...args: unknown[]): boolean {
    return super.write(...(args as [Uint8Array])) && !this.#waits();
  }

  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event === 'drain' && this.#waits()) return false;
    return super.emit(event, ...args);
  }

  /** Whether the connection has too much; where it has, there is a `drain` later. */
  #waits(): boolean {
    const socket = this.stream.session?.socket;
    if (socket === undefined || socket.writableLength < MAX_QUEUED_BYTES) return false;
    // Each of its streams may wait.
    socket.setMaxListeners(0);
    socket.once('drain', () => this.emit('drain'));
    return true;
  }
}

/**
 * Lets the connections of HTTP/2 read in pieces, each in its turn: all that is in one, a thousand
 * heads in 64 kB, is decoded and made requests of before anything else may happen. The next one is
 * read behind the requests of the one before.
 */
export function readInPieces(server: Server, turns: Turns): void {
  let session: ServerHttp2Session | null = null;
  server.on('session', (opened: ServerHttp2Session) => {
    session = opened;
    destroyBetweenCalls(opened);
  });
  // Behind the listener of node:http2, which has made the session, and reads already.
  server.on('secureConnection', (socket: TLSSocket) => {
    const owner = session;
    session = null;
    const [read] = socket.listeners('data') as ((bytes: Uint8Array) => void)[];
    if (owner === null || read === undefined) return;
    let rest: Uint8Array = new Uint8Array(0);
    // At first until node:http2 has looked, a tick later, for what was there before it listened: it
    // would find what waits in a socket that is held back.
    let isReading = true;
    const readPiece = (): void => {
      const piece = rest.subarray(0, PIECE_BYTES);
      rest = rest.subarray(PIECE_BYTES);
      if (piece.length > 0) read(piece);
      isReading = rest.length > 0 && !owner.destroyed;
      if (!isReading) {
        socket.resume();
        return;
      }
      socket.pause();
      const next = (): void => turns.take(owner, readPiece, ANSWER_MS);
      // Answers to pings that nobody reads.
      if (socket.writableLength > MAX_UNREAD_BYTES) socket.once('drain', next);
      // Its requests come in the next tick.
      else process.nextTick(next);
    };
    setImmediate(() => turns.take(owner, readPiece));
    dropLateWrites(socket);
    socket.off('data', read);
    socket.on('data', (bytes: Uint8Array) => {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      if (isReading) return;
      isReading = true;
      turns.take(owner, readPiece);
    });
  });
}

/**
 * Deno 2.9.6 frees a session as soon as it is destroyed, also from within a call of nghttp2, which
 * then reads on in what is free: the GOAWAY of a client that has no stream, the orderly end of a
 * connection, ended the process with a segmentation fault where the memory had been used again.
 */
function destroyBetweenCalls(session: ServerHttp2Session): void {
  const destroy = session.destroy.bind(session) as (...args: unknown[]) => void;
  session.destroy = (...args: unknown[]) => process.nextTick(() => destroy(...args));
}

/**
 * Each stream of a connection that is over writes its reset, and gets an error with a stack for it:
 * with a thousand streams that takes half a second.
 */
function dropLateWrites(socket: TLSSocket): void {
  const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
  socket.write = (...args: unknown[]) => !socket.destroyed && write(...args);
}
