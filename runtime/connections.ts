import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse, ServerHttp2Session } from 'node:http2';
import type { Server, Socket } from 'node:net';

/** The connections of one server: lets go of those that are kept without a request. */
export class Connections {
  readonly #server: Server;
  /** All of them, below TLS. */
  readonly #sockets = new Set<Socket>();
  /** Requests under way on those of HTTP/1.1 that had one. */
  readonly #requests = new Map<Socket, number>();
  readonly #sessions = new Set<ServerHttp2Session>();
  #isDraining = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      this.#sockets.add(socket);
      socket.once('close', () => this.#sockets.delete(socket));
    });
    server.on('session', (session: ServerHttp2Session) => {
      this.#sessions.add(session);
      session.once('close', () => this.#sessions.delete(session));
    });
  }

  /** To be called with each request, before it is answered. */
  begin(
    request: IncomingMessage | Http2ServerRequest,
    response: ServerResponse | Http2ServerResponse,
  ): void {
    if ('stream' in response) {
      // Its answer still comes.
      if (this.#isDraining) response.stream.session?.close();
      return;
    }
    const { socket } = request;
    const before = this.#requests.get(socket);
    if (before === undefined) socket.once('close', () => this.#requests.delete(socket));
    this.#requests.set(socket, (before ?? 0) + 1);
    response.shouldKeepAlive &&= !this.#isDraining;
    response.once('close', () => this.#end(socket));
  }

  /** Lets go of the kept ones, of the others after their answers; new ones get an answer, too. */
  drain(): void {
    this.#isDraining = true;
    for (const [socket, requests] of this.#requests) if (requests === 0) socket.destroySoon();
    // Sends GOAWAY; streams that are open go on.
    for (const session of this.#sessions) session.close();
  }

  /** Takes no more; cuts what has not ended by itself after so many milliseconds. */
  close(graceMs: number): Promise<void> {
    this.drain();
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

  #end(socket: Socket): void {
    const requests = this.#requests.get(socket);
    if (requests === undefined) return;
    this.#requests.set(socket, requests - 1);
    if (this.#isDraining && requests === 1) socket.destroySoon();
  }
}
