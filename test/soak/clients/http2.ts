import type { ClientHttp2Session } from 'node:http2';
import { H2Session } from '../../support/h2_session.ts';
import type { Answer, Open } from './follow.ts';

/** HTTP/2, one connection for all that share this. */
export function http2(port: number, over: AbortSignal): Open {
  let session: ClientHttp2Session | null = null;
  over.addEventListener('abort', () => session?.destroy());
  return (path, headers) =>
    new Promise<Answer>((resolve, reject) => {
      // After a GOAWAY it is closed, while its streams go on.
      if (session === null || session.closed || session.destroyed) {
        session = new H2Session(`https://localhost:${port}`).session;
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
