import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import {
  createSecureServer,
  Http2ServerRequest,
  type Http2ServerResponse,
  type SecureServerOptions,
} from 'node:http2';
import { Server as NetServer, type Server, type Socket } from 'node:net';
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response';
import { getLogger } from '@logtape/logtape';
import { Connections } from './connections.ts';
import type { Listener, ListenOptions } from './listeners.ts';
import { Pipeline } from './pipeline.ts';
import {
  endWithin,
  isTooLarge,
  MAX_HEAD_BYTES,
  MAX_HEADER_LIST_BYTES,
  MAX_HEADER_PAIRS,
  MAX_STREAMS,
  type RequestListener,
  Requests,
} from './requests.ts';
import { sendStream } from './send_stream.ts';
import { StreamResponse } from './stream_response.ts';
import type { Turns } from './turns.ts';

const logger = getLogger(['sse-kafka', 'http']);
const tlsLogger = getLogger(['sse-kafka', 'tls']);

/** More than fit: Node has limits of its own, one of which drops headers without a word. */
const MAX_HEADERS = MAX_HEAD_BYTES / 4;
/** Connects that the kernel holds for us: thousands come back at once after a restart. */
const BACKLOG = 4096;
/** Megabytes that one HTTP/2 connection may take; the default of 10 ends at some 1,000 streams. */
const MAX_SESSION_MB = 256;

/** A slow head is cut within 15 s: so long it may take, and so often is looked. */
const MAX_HEAD_MS = 10_000;
const HEAD_SWEEP_MS = 2500;

/** Between two looks whether a head that is late has had its turn, in milliseconds. */
const LOOK_AGAIN_MS = 100;

/** How long a connection that is refused may take to read why, in milliseconds. */
const LINGER_MS = 1000;

const LATE = 'ERR_HTTP_REQUEST_TIMEOUT';
const REFUSALS: ReadonlyMap<string | undefined, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  [LATE, '408 Request Timeout'],
]);

/** What a runtime's node:http2 lacks. */
export interface Http2Additions {
  readonly Response: typeof Http2ServerResponse;
  prepare(server: Server, turns: Turns): void;
}

/**
 * Listens on Node, and on Deno by its node:http and node:http2.
 * @throws an error with the system's code (`EADDRINUSE`) when the port cannot be had.
 */
export async function listen(options: ListenOptions, http2?: Http2Additions): Promise<Listener> {
  const { fetch, host, port, certificate, room } = options;
  const requests = new Requests((session) => connections.cut(session));
  const server = createAdaptorServer({
    // Of a request without `Host`, as HTTP/1.0 has it.
    hostname: 'localhost',
    fetch: async (request: Request, { incoming, outgoing }: HttpBindings | Http2Bindings) => {
      const connection = connections.begin(incoming, outgoing);
      if (incoming instanceof Http2ServerRequest && isTooLarge(incoming)) {
        return new Response(null, { status: 431 });
      }
      if ('stream' in outgoing) connection.watched = () => requests.leaveToWatch(outgoing);
      const response = await fetch(request, connection);
      if (outgoing instanceof StreamResponse) {
        outgoing.prepare(response);
        if (!outgoing.isStream && !connection.isWatched) endWithin(outgoing, connection);
      } else if ('stream' in outgoing) requests.prepare(outgoing, response, connection);
      const source = connection.takeSource(response);
      if (source === null) return response;
      sendStream(outgoing, response, source);
      return RESPONSE_ALREADY_SENT;
    },
    ...serverOptions(options, requests, http2?.Response),
  }) as Server;
  http2?.prepare(server, requests.turns);
  server.on('session', (session) => requests.watch(session));
  const connections = new Connections(server, room);
  const event = certificate === null ? 'connection' : 'secureConnection';
  Pipeline.serve(server, event, requests.turns);
  const turnDown = (code: string | undefined, socket: Socket): void => {
    // What is written now would stand within the answer that is under way; or be the first that a
    // client reads whose TLS handshake was late, as where thousands come back to a gateway that has
    // just begun: an EventSource that is told 400 never comes back.
    if (!socket.writable || !Pipeline.has(socket) || connections.isBusy(socket)) socket.destroy();
    else refuse(socket, REFUSALS.get(code) ?? '400 Bad Request');
  };
  const late = new WeakSet<Socket>();
  server.on('clientError', ({ code }: NodeJS.ErrnoException, socket: Socket) => {
    if (code === LATE) {
      late.add(socket);
      // Where this process had no time, a head that came in time may lie unread. It is read first:
      // an EventSource that is told 408 never comes back.
      const judge = (): void => {
        if (Pipeline.hasRequest(socket)) return;
        if (Pipeline.waits(socket)) setTimeout(judge, LOOK_AGAIN_MS);
        else turnDown(code, socket);
      };
      setImmediate(judge);
    } else if (late.has(socket)) {
      // On Deno 2.9 its parser takes nothing any more. A client comes back from a cut.
      socket.destroy();
    } else turnDown(code, socket);
  });
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    tlsLogger.debug('A TLS handshake failed: {error}', { error, address: socket.remoteAddress });
  });
  const open = (): Server => server.listen({ host, port, backlog: BACKLOG });
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    open().once('listening', () => {
      server.off('error', fail);
      done();
    });
  });
  server.on('error', (error) => logger.error('Port {port}: {error}', { port, error }));
  return {
    get taken() {
      return connections.taken;
    },
    drain: () => connections.drain(),
    renew: (renewed) => connections.renew(renewed),
    close: (graceMs) => connections.close(graceMs),
    reopen: () => {
      // Of what listens only: the server's own would end sessions of HTTP/2, too.
      NetServer.prototype.close.call(server);
      open();
    },
  };
}

function serverOptions(
  { certificate }: ListenOptions,
  requests: Requests,
  Http2Response?: typeof Http2ServerResponse,
): object {
  const limits = {
    maxHeaderSize: MAX_HEAD_BYTES,
    maxHeadersCount: MAX_HEADERS,
    headersTimeout: MAX_HEAD_MS,
    requestTimeout: MAX_HEAD_MS,
    connectionsCheckingInterval: HEAD_SWEEP_MS,
  };
  if (certificate === null) {
    return {
      createServer: (settings: ServerOptions, listener: RequestListener) =>
        Object.assign(createServer(settings, inOrder(requests.limit(listener))), {
          maxHeadersCount: MAX_HEADERS,
        }),
      serverOptions: { ...limits, ServerResponse: StreamResponse },
    };
  }
  return {
    createServer: (settings: SecureServerOptions, listener: RequestListener) =>
      // Options of these names are not passed on to HTTP/1.1, the properties are.
      Object.assign(createSecureServer(settings, inOrder(requests.limit(listener))), limits),
    serverOptions: {
      ...certificate,
      allowHTTP1: true,
      Http1ServerResponse: StreamResponse,
      ...(Http2Response === undefined ? {} : { Http2ServerResponse: Http2Response }),
      handshakeTimeout: MAX_HEAD_MS,
      maxSessionMemory: MAX_SESSION_MB,
      maxHeaderListPairs: MAX_HEADER_PAIRS,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEADER_LIST_BYTES },
    },
  };
}

/** The same listener, for one request of a connection of HTTP/1.1 after the other. */
function inOrder(listener: RequestListener): RequestListener {
  return (request, response) => {
    if ('stream' in response) {
      listener(request, response);
      return;
    }
    const http1 = request as IncomingMessage;
    Pipeline.begin(http1, response, () => {
      allowEmptyPort(http1);
      // Nobody reads a body, and while it waits a reset is not noticed.
      http1.resume();
      listener(http1, response);
    });
  };
}

/** `Host: localhost:` is valid by RFC 3986, and the adaptor refuses it. */
function allowEmptyPort({ headers }: IncomingMessage): void {
  if (headers.host?.endsWith(':')) headers.host = headers.host.slice(0, -1);
}

/**
 * Answers a request that could not be read. Node's own answer is lost over TLS: it closes with bytes
 * unread, which resets the connection.
 */
function refuse(socket: Socket, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
