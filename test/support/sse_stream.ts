import { Buffer } from 'node:buffer';
import { get as httpGet, type IncomingHttpHeaders } from 'node:http';
import type { ClientHttp2Session } from 'node:http2';
import { get as httpsGet } from 'node:https';
import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { COMPRESSION } from './compression.ts';
import { Growth, within } from './deadline.ts';

export interface StreamOptions {
  readonly headers?: Readonly<Record<string, string>>;
  /** Default: HTTP/1.1 on a connection of its own. */
  readonly h2?: ClientHttp2Session;
  /** The address to come from, over HTTP/1.1. */
  readonly localAddress?: string;
}

const NEWLINE = 0x0a;
/** `TEST_COMPRESSION=gzip` has any suite run with streams that are compressed. */
const ACCEPTED = COMPRESSION === 'gzip' ? { 'accept-encoding': 'gzip' } : {};

/** One block of a stream. */
export interface Block {
  /** As it came, the blank line included; but for the time of its id. */
  readonly raw: string;
  /** `standing`: whether its gateway hears of the topic. */
  readonly kind: 'retry' | 'heartbeat' | 'event' | 'id' | 'standing';
  readonly event: string;
  readonly data: string;
  /** Without its time. */
  readonly id: string;
  /** That of the id, Unix seconds; `null` where it has none. */
  readonly time: number | null;
}

interface Response {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Readable;
  cut(): void;
}

/** A response that is read as it comes: its bytes, and its blocks as soon as they are whole. */
export class SseStream implements AsyncDisposable {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly blocks: Block[] = [];
  /** Those of them that are records, deletes and gaps. */
  readonly events: Block[] = [];
  /** When each of these came, by `performance.now()`. */
  readonly cameAt: number[] = [];
  /** Whether all came that was sent: of one that is compressed, checksum and length, too. */
  isWhole = false;
  /** Settles when the stream is over, however it ended. */
  readonly over: Promise<void>;
  readonly #url: string;
  readonly #body: Readable;
  readonly #cut: () => void;
  readonly #growth = new Growth();
  readonly #pieces: Buffer[] = [];
  /** Of a block that is not whole yet, as it came: joined once it is, for blocks of many MB. */
  #rest: Buffer[] = [];
  #isOver = false;
  #fault: unknown = null;

  /** Waits for the head only. */
  static async open(url: string, options: StreamOptions = {}): Promise<SseStream> {
    const { h2 } = options;
    const headers = { ...ACCEPTED, ...options.headers };
    const response =
      h2 === undefined ? request(url, { ...options, headers }) : requestH2(h2, url, headers);
    return new SseStream(url, await within(`the head of ${url}`, response));
  }

  private constructor(url: string, { status, headers, body, cut }: Response) {
    this.#url = url;
    this.status = status;
    this.headers = headers;
    this.#body = decoded(body, headers);
    this.#cut = cut;
    this.#body.on('data', (bytes: Buffer) => this.#take(bytes));
    this.over = new Promise((resolve) => {
      this.#body.on('error', () => {});
      this.#body.on('end', () => {
        this.isWhole = true;
      });
      this.#body.on('close', () => {
        this.#isOver = true;
        resolve();
        this.#growth.changed();
      });
    });
  }

  /** Whether what came so far ends where a block ends. */
  get isAtBlockEnd(): boolean {
    return this.#rest.length === 0;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** All bytes so far. */
  get bytes(): Buffer {
    return Buffer.concat(this.#pieces);
  }

  /** Waits until there are so many records, deletes and gaps, and gives all there are. */
  async untilEvents(count: number): Promise<Block[]> {
    await this.until(`${count} events`, () => this.events.length >= count);
    return this.events;
  }

  /** @throws when the stream is over before that, and for bytes that the contract does not have. */
  async until(what: string, look: () => boolean): Promise<void> {
    const label = (): string =>
      `${what} of ${this.#url}; ${this.blocks.length} blocks came, the last ones ` +
      JSON.stringify(this.blocks.slice(-3).map(({ raw }) => raw.slice(0, 300)));
    await this.#growth.until(label, () => {
      if (this.#fault !== null) throw this.#fault;
      if (look()) return true;
      if (this.#isOver) throw new Error(`it was over before ${label()}`);
      return null;
    });
  }

  /** Takes nothing more from the socket, so that its buffers fill up, the gateway's too. */
  pause(): void {
    this.#body.pause();
  }

  resume(): void {
    this.#body.resume();
  }

  /** Cuts the connection, or resets the stream of an HTTP/2 connection. */
  cut(): void {
    this.#cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    await within(`the end of ${this.#url} after a cut`, this.over);
  }

  #take(bytes: Buffer): void {
    this.#pieces.push(bytes);
    const isEnd = this.#rest.at(-1)?.at(-1) === NEWLINE && bytes[0] === NEWLINE;
    if (!isEnd && !bytes.includes('\n\n')) {
      this.#rest.push(bytes);
      this.#growth.changed();
      return;
    }
    const all = Buffer.concat([...this.#rest, bytes]);
    let start = 0;
    try {
      for (let end = all.indexOf('\n\n'); end >= 0; end = all.indexOf('\n\n', start)) {
        const block = parseBlock(all.toString('utf8', start, end + 2));
        this.blocks.push(block);
        if (block.kind === 'event') {
          this.events.push(block);
          this.cameAt.push(performance.now());
        }
        start = end + 2;
      }
    } catch (error) {
      this.#fault ??= error;
    }
    this.#rest = start === all.length ? [] : [all.subarray(start)];
    this.#growth.changed();
  }
}

/** A body as it was before it was compressed, each part as soon as it has come. */
function decoded(body: Readable, headers: IncomingHttpHeaders): Readable {
  if (headers['content-encoding'] !== 'gzip') return body;
  const gunzip = createGunzip();
  body.pipe(gunzip);
  body.on('error', () => {});
  // One that was cut has no end.
  body.on('close', () => gunzip.end());
  return gunzip;
}

const STANDING = /^event:(stale\ndata:\{"since":\d+\}|fresh\ndata:\{\})\n\n$/;
const CONTENT = /^((?:event:[a-z]+\n)?(?:data:(?:(?! )[^\n]*| {2}[^\n]*)\n)+)?id:[\w-]+={0,2}\n\n$/;
const ID_TIME = /\/~([0-9a-z]{6})\n\n$/;

/** The one block of a client that is not let in: without an id, so that it keeps the one that it has. */
const UNAUTHORIZED = /^event:unauthorized\ndata:\{"reason":"([a-z]+)"\}\n\n$/;

/** @throws for a block of another shape than the contract has, a CR in it too. */
function parseBlock(came: string): Block {
  const time = ID_TIME.exec(came)?.[1] ?? null;
  const raw = time === null ? came : came.replace(ID_TIME, '\n\n');
  const block = { raw, event: '', data: '', id: '', time: null };
  if (raw === ':\n\n') return { ...block, kind: 'heartbeat' };
  if (/^retry:\d+\n\n$/.test(raw)) return { ...block, kind: 'retry' };
  const [, reason] = UNAUTHORIZED.exec(raw) ?? [];
  if (reason !== undefined) return { ...block, kind: 'event', event: 'unauthorized', data: reason };
  const isStanding = STANDING.test(raw);
  if (raw.includes('\r') || !(isStanding || CONTENT.test(raw))) {
    throw new Error(`not a block of the contract: ${JSON.stringify(raw.slice(0, 1000))}`);
  }
  const lines = raw.slice(0, -2).split('\n');
  const values = (field: string): string[] =>
    lines
      .filter((line) => line.startsWith(`${field}:`))
      .map((line) => line.slice(field.length + 1));
  const data = values('data');
  return {
    raw,
    kind: isStanding ? 'standing' : data.length === 0 ? 'id' : 'event',
    event: values('event')[0] ?? 'message',
    data: data.map((line) => line.replace(/^ /, '')).join('\n'),
    id: values('id')[0] ?? '',
    time: time === null ? null : Number.parseInt(time, 36),
  };
}

function request(url: string, { headers = {}, localAddress }: StreamOptions): Promise<Response> {
  const get = url.startsWith('https:') ? httpsGet : httpGet;
  return new Promise((resolve, reject) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const options = { headers, agent: false, rejectUnauthorized: false, ...from };
    const sent = get(url, options, (response) =>
      resolve({
        status: response.statusCode!,
        headers: response.headers,
        body: response,
        cut: () => response.destroy(),
      }),
    );
    sent.on('error', reject);
  });
}

function requestH2(
  session: ClientHttp2Session,
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<Response> {
  const { pathname, search } = new URL(url);
  return new Promise((resolve, reject) => {
    const stream = session.request({ ':path': pathname + search, ...headers });
    stream.on('error', reject);
    stream.on('response', ({ ':status': status, ...received }) =>
      resolve({
        status: status!,
        headers: received,
        body: stream,
        cut: () => stream.close(),
      }),
    );
  });
}
