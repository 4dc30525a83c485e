import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { freePort } from './free_port.ts';

/** What it does with a request; the last one answers all that come later. */
export type Answer = (response: ServerResponse, request: IncomingMessage) => void;

/** A request as it came. */
export interface Asked {
  readonly url: string;
  readonly lastEventId: string | undefined;
  readonly accept: string | undefined;
  readonly authorization: string | undefined;
  readonly atMs: number;
}

/** An HTTP server that does as it is told, what a gateway never would, too. */
export class ScriptedServer implements AsyncDisposable {
  readonly url: string;
  readonly asked: Asked[] = [];
  readonly #server: Server;

  static async start(...answers: readonly Answer[]): Promise<ScriptedServer> {
    const port = await freePort();
    const server = new ScriptedServer(port, answers);
    await new Promise<void>((done, fail) => {
      server.#server.once('error', fail).listen(port, '127.0.0.1', done);
    });
    return server;
  }

  private constructor(port: number, answers: readonly Answer[]) {
    this.url = `http://127.0.0.1:${port}/events`;
    this.#server = createServer((request, response) => {
      if (request.url!.includes('/-/')) {
        response.writeHead(404).end();
        return;
      }
      const { headers } = request;
      this.asked.push({
        url: request.url!,
        lastEventId: headers['last-event-id'] as string | undefined,
        accept: headers.accept,
        authorization: headers.authorization,
        atMs: performance.now(),
      });
      answers[Math.min(this.asked.length, answers.length) - 1]!(response, request);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await closed;
  }
}

/** A stream that stays open after its bytes. */
export function stream(...chunks: readonly (string | Uint8Array)[]): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    for (const chunk of chunks) response.write(chunk);
  };
}

/** A stream that ends after its bytes. */
export function endedStream(...chunks: readonly string[]): Answer {
  return (response, request) => {
    stream(...chunks)(response, request);
    response.end();
  };
}

export function status(code: number, words = '', headers: Record<string, string> = {}): Answer {
  return (response) => {
    response.writeHead(code, headers).end(words);
  };
}
