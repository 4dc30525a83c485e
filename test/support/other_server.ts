import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';

/** A server that is none of ours, such as a proxy in its place. A page of any origin may read it. */
export class OtherServer implements AsyncDisposable {
  readonly url: string;
  /** What was asked for, but for heads alone. */
  readonly requests: IncomingMessage[] = [];
  answer: RequestListener;
  readonly #server: Server;

  static async start(answer: RequestListener): Promise<OtherServer> {
    const port = await freePort();
    const server = new OtherServer(port, answer);
    const listening = new Promise<void>((done) => server.#server.listen(port, 'localhost', done));
    await within('another server to listen', listening);
    return server;
  }

  private constructor(port: number, answer: RequestListener) {
    this.url = `http://localhost:${port}/stream`;
    this.answer = answer;
    this.#server = createServer((request, response) => {
      response.setHeader('access-control-allow-origin', '*');
      if (request.method === 'GET') this.requests.push(request);
      this.answer(request, response);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await within('another server to close', closed);
  }
}

/** Answers with a status alone. */
export function status(code: number, headers: Record<string, string> = {}): RequestListener {
  return (_request, response) => void response.writeHead(code, headers).end();
}

/** Answers with a stream that stays open behind these bytes. */
export function streamOf(text: string): RequestListener {
  return ({ method }, response: ServerResponse) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (method === 'HEAD') response.end();
    else response.write(text);
  };
}
