import type { ClientHttp2Session } from 'node:http2';
import { H2Session } from '../../support/h2_session.ts';
import type { Answer, Open } from './follow.ts';

const LOOK_MS = 10_000;
/** A gateway sends a heartbeat to each idle stream every 15 s. */
const MAX_SILENCE_MS = 50_000;

/** HTTP/2, one connection for all that share this. */
export function http2(port: number, over: AbortSignal): Open {
  let session: ClientHttp2Session | null = null;
  over.addEventListener('abort', () => session?.destroy());
  return (path, headers) =>
    new Promise<Answer>((resolve, reject) => {
      // After a GOAWAY it is closed, while its streams go on.
      if (session === null || session.closed || session.destroyed) {
        session = new H2Session(`https://127.0.0.1:${port}`).session;
        watch(session);
      }
      const stream = session.request({ ':path': path, ...headers });
      stream.on('error', reject);
      stream.on('close', () => reject(new Error('closed without a head')));
      stream.on('response', ({ ':status': status, 'retry-after': retryAfter }) =>
        resolve({
          status: status!,
          retryAfter: retryAfter as string | undefined,
          body: stream,
          cut: () => stream.close(),
        }),
      );
    });
}

/**
 * Node's client does not always notice that the socket below a session is gone: its streams would
 * then wait for ever, while the gateway holds no connection any more. A browser asks by pings; after
 * a GOAWAY Node cannot. https://github.com/nodejs/node/issues/61304
 */
function watch(session: ClientHttp2Session): void {
  let before = -1;
  let heardAt = performance.now();
  const timer = setInterval(() => {
    if (session.destroyed) return;
    const { bytesRead } = session.socket;
    if (bytesRead !== before) heardAt = performance.now();
    before = bytesRead;
    if (performance.now() - heardAt > MAX_SILENCE_MS) session.destroy();
  }, LOOK_MS);
  session.on('close', () => clearInterval(timer));
}
