import { get } from 'node:http';
import type { Answer, Open } from './follow.ts';

/** HTTP/1.1, a connection for each stream. */
export function http1(port: number): Open {
  return (path, headers) =>
    new Promise<Answer>((resolve, reject) => {
      const options = { host: '127.0.0.1', port, path, headers, agent: false };
      const sent = get(options, (response) =>
        resolve({
          status: response.statusCode!,
          retryAfter: response.headers['retry-after'],
          body: response,
          cut: () => response.destroy(),
        }),
      );
      sent.on('error', reject);
    });
}
