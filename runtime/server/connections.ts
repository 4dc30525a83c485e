import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  constants,
  type Http2ServerRequest,
  type Http2ServerResponse,
  type ServerHttp2Session,
} from 'node:http2';
import type { Server, Socket } from 'node:net';
import type { Server as TlsServer } from 'node:tls';
import type { Pair } from '../process/pem.ts';
import type { ConnectionRoom } from './connection_room.ts';
import { Http1Connection, Http2Connection, type Http2Use } from './http_connection.ts';

/** When the kernel begins to ask whether a silent client is still there, and then once a second. */
const KEEP_ALIVE_MS = 30_000;
/**
 * An HTTP/2 connection without a stream is closed after this: Node has no limit for one that sends
 * its first head slowly, or none. A client that has all it wants opens another one later.
 */
const MAX_IDLE_MS = 10_000;
const SWEEP_MS = 2500;

interface Session extends Http2Use {
  /** When its last stream ended, in milliseconds of `performance.now()`. */
  idleSince: number;
}

/** What Node has of a socket and does not show. */
interface Handled {
  /** `getpeername` is 0, or an error's number. */
  readonly _handle?: { getpeername?(out: object): number } | null;
}

type Request = IncomingMessage | Http2ServerRequest;
type Response = ServerResponse | Http2ServerResponse;

/** The connections of one server: lets go of those that are kept without a request, or are over. */
export class Connections {
  readonly #server: Server;
  /** How many have come so far. */
  taken = 0;
  /** All of them, below TLS. */
  readonly #sockets = new Set<Socket>();
  /** The same, by the other side's address and port. */
  readonly #peers = new Map<string, Socket>();
  /** Requests under way on those of HTTP/1.1 that had one. */
  readonly #requests = new Map<Socket, number>();
  readonly #sessions = new Map<ServerHttp2Session, Session>();
  readonly #sweeper = setInterval(() => this.#sweep(), SWEEP_MS).unref();
  #isDraining = false;

  constructor(server: Server, room: ConnectionRoom | undefined) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.taken++;
      if (room?.enter() === false) {
        socket.resetAndDestroy();
        return;
      }
      socket.setKeepAlive(true, KEEP_ALIVE_MS);
      const peer = peerOf(socket);
      this.#sockets.add(socket);
      this.#peers.set(peer, socket);
      socket.once('close', () => {
        room?.leave();
        this.#sockets.delete(socket);
        if (this.#peers.get(peer) === socket) this.#peers.delete(peer);
      });
    });
    server.on('session', (session: ServerHttp2Session) => {
      const socket = this.#peers.get(peerOf(session.socket));
      this.#sessions.set(session, { socket, streams: 0, idleSince: performance.now() });
      session.once('close', () => this.#sessions.delete(session));
    });
  }

  /** To be called with each request, before it is answered. */
  begin(request: Request, response: Response): Http1Connection | Http2Connection {
    const address = request.socket.remoteAddress ?? '';
    if ('stream' in response) return this.#beginHttp2(address, response);
    const { socket } = request;
    const before = this.#requests.get(socket);
    if (before === undefined) socket.once('close', () => this.#requests.delete(socket));
    this.#requests.set(socket, (before ?? 0) + 1);
    response.once('close', () => this.#end(socket));
    const raw = this.#peers.get(peerOf(socket)) ?? socket;
    return this.#admit(new Http1Connection(address, response, raw));
  }

  /** Whether a request is under way on a connection of HTTP/1.1. */
  isBusy(socket: Socket): boolean {
    return (this.#requests.get(socket) ?? 0) > 0;
  }

  /** Ends a connection of HTTP/2 for what the client does. */
  cut(session: ServerHttp2Session): void {
    session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    cutSoon(this.#sessions.get(session)?.socket);
  }

  /** Lets go of the kept ones, of the others after their answers; new ones get an answer, too. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, requests] of this.#requests) if (requests === 0) socket.destroySoon();
    // Sends GOAWAY; streams that are open go on.
    for (const session of this.#sessions.keys()) session.close();
  }

  renew(certificate: Pair): void {
    (this.#server as TlsServer).setSecureContext(certificate);
  }

  /** Takes no more; cuts what has not ended by itself after so many milliseconds. */
  close(graceMs: number): Promise<void> {
    this.drain();
    clearInterval(this.#sweeper);
    return new Promise((done) => {
      const timer = setTimeout(() => {
        for (const socket of this.#sockets) socket.destroy();
      }, graceMs);
      this.#server.close(() => {
        clearTimeout(timer);
        done();
      });
    });
  }

  #beginHttp2(address: string, response: Http2ServerResponse): Http2Connection {
    const { stream } = response;
    const { session } = stream;
    const use = this.#sessions.get(session as ServerHttp2Session) ?? {
      socket: undefined,
      streams: 0,
      idleSince: 0,
    };
    use.streams++;
    stream.once('close', () => {
      use.streams--;
      use.idleSince = performance.now();
    });
    return this.#admit(new Http2Connection(address, response, use));
  }

  #admit<T extends Http1Connection | Http2Connection>(connection: T): T {
    if (this.#isDraining) connection.letGo();
    return connection;
  }

  #end(socket: Socket): void {
    const requests = this.#requests.get(socket);
    if (requests === undefined) return;
    this.#requests.set(socket, requests - 1);
    if (this.#isDraining && requests === 1) socket.destroySoon();
  }

  #sweep(): void {
    const since = performance.now() - MAX_IDLE_MS;
    for (const [session, { streams, idleSince, socket }] of this.#sessions) {
      if (session.destroyed) continue;
      if (!isDisconnected(socket) && (streams > 0 || idleSince > since)) continue;
      session.destroy();
      cutSoon(socket);
    }
  }
}

/** Its session would wait for a client that takes nothing. */
function cutSoon(socket: Socket | undefined): void {
  setTimeout(() => socket?.resetAndDestroy(), SWEEP_MS).unref();
}

function peerOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}

/**
 * Whether the kernel has no connection any more. Node does not always learn that one of HTTP/2 was
 * reset while it wrote much to it (1 in 40 on Node 20): no event ever tells of it, a ping neither, and
 * streams and socket would stay for good. https://github.com/nodejs/node/issues/61304
 */
function isDisconnected(socket: Socket | undefined): boolean {
  const { _handle: handle } = (socket ?? {}) as Handled;
  return (handle?.getpeername?.({}) ?? 0) !== 0;
}
