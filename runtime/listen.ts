import { createServer } from 'node:http';
import { createSecureServer } from 'node:http2';
import type { Server } from 'node:net';
import type { Duplex } from 'node:stream';
import { createAdaptorServer, type Http2Bindings, type HttpBindings } from '@hono/node-server';
import { Connections } from './connections.ts';
import type { Listener, ListenOptions } from './listeners.ts';
import { StreamResponse } from './stream_response.ts';

/** Heads up to 32 kB are promised: the id of a topic of 1,000 partitions takes 10 kB. */
const MAX_HEAD_BYTES = 64 * 1024;
/** Connects that the kernel holds for us: thousands come back at once after a restart. */
const BACKLOG = 4096;
/** Streams on one HTTP/2 connection: a proxy in front puts all its clients on a few. */
const MAX_STREAMS = 10_000;
/** Megabytes that one HTTP/2 connection may take; the default of 10 ends at some 1,000 streams. */
const MAX_SESSION_MB = 256;

/** How long a connection that is refused may take to read why, in milliseconds. */
const LINGER_MS = 1000;

const REFUSALS: ReadonlyMap<string | undefined, string> = new Map([
  ['HPE_HEADER_OVERFLOW', '431 Request Header Fields Too Large'],
  ['ERR_HTTP_REQUEST_TIMEOUT', '408 Request Timeout'],
]);

/**
 * Listens on Node, and on Deno by its node:http and node:http2.
 * @throws an error with the system's code (`EADDRINUSE`) when the port cannot be had.
 */
export async function listen(options: ListenOptions): Promise<Listener> {
  const { fetch, host, port } = options;
  const server = createAdaptorServer({
    fetch: async (request: Request, { incoming, outgoing }: HttpBindings | Http2Bindings) => {
      connections.begin(incoming, outgoing);
      const response = await fetch(request, { address: incoming.socket.remoteAddress ?? '' });
      if (outgoing instanceof StreamResponse) outgoing.prepare(response);
      return response;
    },
    ...serverOptions(options),
  }) as Server;
  const connections = new Connections(server);
  server.on('clientError', refuse);
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    server.listen({ host, port, backlog: BACKLOG }, done);
  });
  return connections;
}

function serverOptions({ certificate }: ListenOptions): object {
  if (certificate === null) {
    return {
      createServer,
      serverOptions: { maxHeaderSize: MAX_HEAD_BYTES, ServerResponse: StreamResponse },
    };
  }
  return {
    createServer: (...args: Parameters<typeof createSecureServer>) =>
      // The option of this name is not passed on to HTTP/1.1, the property is.
      Object.assign(createSecureServer(...args), { maxHeaderSize: MAX_HEAD_BYTES }),
    serverOptions: {
      ...certificate,
      allowHTTP1: true,
      Http1ServerResponse: StreamResponse,
      maxSessionMemory: MAX_SESSION_MB,
      settings: { maxConcurrentStreams: MAX_STREAMS, maxHeaderListSize: MAX_HEAD_BYTES },
    },
  };
}

/**
 * Answers a request that could not be read. Node's own answer is lost over TLS: it closes with bytes
 * unread, which resets the connection.
 */
function refuse({ code }: NodeJS.ErrnoException, socket: Duplex): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const status = REFUSALS.get(code) ?? '400 Bad Request';
  socket.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
  socket.resume();
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
}
