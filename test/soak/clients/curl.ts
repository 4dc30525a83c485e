import { spawn } from 'node:child_process';
import type { Answer, Open } from './follow.ts';

const HEAD_END = '\r\n\r\n';

/** A curl process for each stream: with TLS and HTTP/2, or without. */
export function curl(origin: string): Open {
  return (path, headers) =>
    new Promise<Answer>((resolve, reject) => {
      const lines = Object.entries(headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
      const child = spawn('curl', ['-sSNik', ...lines, `${origin}${path}`], {
        stdio: ['ignore', 'pipe', 'ignore'],
      });
      const { stdout } = child;
      let head = Buffer.alloc(0);
      const onData = (bytes: Buffer): void => {
        head = Buffer.concat([head, bytes]);
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        stdout.off('data', onData).pause();
        const text = head.toString('latin1', 0, end);
        stdout.unshift(head.subarray(end + HEAD_END.length));
        resolve({
          status: Number(/^HTTP\/[\d.]+ (\d+)/.exec(text)?.[1]),
          retryAfter: /^retry-after: *(\d+)/im.exec(text)?.[1],
          body: stdout,
          cut: () => child.kill('SIGKILL'),
        });
      };
      stdout.on('data', onData);
      child.on('error', reject);
      child.on('close', () => reject(new Error('ended without a head')));
    });
}
