import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, jest } from '@jest/globals';
import { run } from '../../sse_cat/run.mjs';

export const cleanups: (() => void)[] = [];
beforeEach(() => {
  // It comes back as soon as it may.
  jest.spyOn(Math, 'random').mockReturnValue(0);
});
afterEach(() => {
  jest.restoreAllMocks();
  for (const cleanup of cleanups.splice(0)) cleanup();
});

/** A server on a free port; `requests` are those it has seen. */
export async function serve(listener: RequestListener) {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    listener(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/events`, requests };
}

/** Answers the nth request with the nth of these, and 204 when they are used up. */
export function answers(...each: ((response: ServerResponse, request: IncomingMessage) => void)[]) {
  let next = 0;
  return serve((request, response) => {
    const answer = each[next++];
    if (answer === undefined) response.writeHead(204).end();
    else answer(response, request);
  });
}

/** A response with this much of a stream, then the end of the connection. */
export function stream(text: string) {
  return (response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(`retry:100\n\n${text}`, () => response.destroy());
  };
}

export function status(code: number, headers: Record<string, string> = {}, body = '') {
  return (response: ServerResponse) => response.writeHead(code, headers).end(body);
}

export class Sink extends Writable {
  text = '';
  readonly isTTY: boolean;
  constructor(isTTY = false) {
    super();
    this.isTTY = isTTY;
  }
  override _write(chunk: Buffer, _encoding: string, done: (error?: Error | null) => void): void {
    this.text += chunk;
    this.emit('text');
    done();
  }
  async waitFor(text: string): Promise<void> {
    const signal = AbortSignal.timeout(90_000);
    while (!this.text.includes(text)) {
      await once(this, 'text', { signal }).catch(() => {
        throw new Error(`waited 90 s for ${JSON.stringify(text)} in ${JSON.stringify(this.text)}`);
      });
    }
  }
}

/** The command, running; `ended` is its exit code. */
export function start(
  argv: string[],
  { stdout = new Sink() as Writable, isTTY = false, env = {} as NodeJS.ProcessEnv } = {},
) {
  const stderr = new Sink(isTTY);
  const stop = new AbortController();
  cleanups.push(() => stop.abort());
  const { signal } = stop;
  const running = run({ argv, env, stdout, stderr, version: '1.2.3', signal });
  const late = delay(90_000, undefined, { ref: false }).then(() => {
    throw new Error('waited 90 s for the end of sse-cat');
  });
  return { stdout: stdout as Sink, stderr, stop, ended: Promise.race([running, late]) };
}

/** The command until its end. */
export async function output(...argv: string[]) {
  const { stdout, stderr, ended } = start(argv);
  const code = await ended;
  return { code, stdout: stdout.text, stderr: stderr.text };
}
