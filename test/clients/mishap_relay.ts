import { Buffer } from 'node:buffer';
import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  request,
  type Server,
  type ServerResponse,
} from 'node:http';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { PATIENCE_MS } from './client_process.ts';

/** What stands behind: a gateway's port, nothing, or a proxy that finds nothing behind it. */
export type Behind = number | 'nobody' | 'bad gateway';

interface Cut {
  readonly after: string;
  /** `end` closes the response properly, as a proxy may; `cut` breaks the connection. */
  readonly how: 'cut' | 'end';
  readonly done: () => void;
}

/** An HTTP proxy between one client and the gateway, in which a stream can be cut at a chosen byte. */
export class MishapRelay implements AsyncDisposable {
  readonly port: number;
  behind: Behind;
  /** How the last id came with each request. */
  readonly ids: ('header' | 'query' | 'none')[] = [];
  /** Responses that came to their end, or were broken off by what is behind. */
  ended = 0;
  readonly #server: Server;
  readonly #open = new Set<ServerResponse>();
  /** Streams of which bytes came. */
  #streaming = 0;
  #cut: Cut | null = null;

  static async start(behind: Behind): Promise<MishapRelay> {
    const relay = new MishapRelay(await freePort(), behind);
    relay.#server.listen(relay.port, '127.0.0.1');
    await within('a relay to listen', once(relay.#server, 'listening'));
    return relay;
  }

  private constructor(port: number, behind: Behind) {
    this.port = port;
    this.behind = behind;
    this.#server = createServer((asked, response) => this.#pass(asked, response));
  }

  /** Lets what comes pass up to this text, and with it; settles once the stream is cut there. */
  cutAfter(after: string, how: Cut['how'] = 'cut'): Promise<void> {
    const cut = new Promise<void>((done) => {
      this.#cut = { after, how, done };
    });
    return within(`${JSON.stringify(after)} to be cut at`, cut, PATIENCE_MS);
  }

  /** Ends what is open. */
  async endStreams(): Promise<void> {
    for (const response of this.#open) response.end();
    await eventually('a stream to be closed', async () => this.#open.size === 0);
  }

  /** Waits for a stream to be open, or for there to be nobody who opens one. */
  async untilStreaming(isOver: () => boolean): Promise<void> {
    await eventually(
      'a stream through a relay',
      async () => this.#streaming > 0 || isOver(),
      PATIENCE_MS,
    );
  }

  /** Waits for one more response to end, or for there to be nobody who asks. */
  async untilAnswered(isOver: () => boolean): Promise<void> {
    const { ended } = this;
    await eventually('an answer', async () => this.ended > ended || isOver(), PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = new Promise((done) => this.#server.close(done));
    this.#server.closeAllConnections();
    await within('a relay to close', closed);
  }

  #pass(asked: IncomingMessage, response: ServerResponse): void {
    const { behind } = this;
    this.#open.add(response);
    response.on('error', () => {});
    response.on('close', () => {
      this.#open.delete(response);
      this.ended += 1;
    });
    this.ids.push(idOf(asked));
    if (behind === 'nobody') response.destroy();
    else if (behind === 'bad gateway') response.writeHead(502).end('Bad Gateway\n');
    else this.#forward(asked, response, behind);
  }

  #forward(
    { method, url, headers: asked }: IncomingMessage,
    response: ServerResponse,
    port: number,
  ): void {
    // What is compressed has no place to cut at.
    const headers = { ...asked, 'accept-encoding': 'identity' };
    const onward = request({ host: 'localhost', port, method, path: url, headers, agent: false });
    onward.on('error', () => response.destroy());
    response.on('close', () => onward.destroy());
    onward.on('response', (answer) => {
      const { 'transfer-encoding': _, connection: __, ...kept } = answer.headers;
      response.writeHead(answer.statusCode!, kept);
      response.flushHeaders();
      answer.once('data', () => {
        this.#streaming += 1;
        response.once('close', () => {
          this.#streaming -= 1;
        });
      });
      let tail: Buffer = Buffer.alloc(0);
      answer.on('data', (bytes: Buffer) => {
        const cut = this.#cut;
        if (cut === null) {
          response.write(bytes);
          return;
        }
        // The text may lie across two pieces.
        const seen = Buffer.concat([tail, bytes]);
        const at = seen.indexOf(cut.after);
        if (at === -1) {
          tail = seen.subarray(-cut.after.length);
          response.write(bytes);
          return;
        }
        this.#cut = null;
        answer
          .removeAllListeners()
          .on('error', () => {})
          .destroy();
        const due = seen.subarray(tail.length, at + Buffer.byteLength(cut.after));
        response.once('close', cut.done);
        if (cut.how === 'end') response.end(due);
        // A browser drops what it has not read when the connection breaks.
        else response.write(due, () => setTimeout(() => response.socket?.destroySoon(), 200));
      });
      answer.on('error', () => response.destroy());
      answer.on('end', () => response.end());
      answer.on('aborted', () => response.destroy());
    });
    onward.end();
  }
}

function idOf({ url = '', headers }: IncomingMessage): 'header' | 'query' | 'none' {
  if (headers['last-event-id'] !== undefined) return 'header';
  return new URL(url, 'http://localhost').searchParams.has('lastEventId') ? 'query' : 'none';
}
