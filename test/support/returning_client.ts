import { setTimeout as delay } from 'node:timers/promises';
import { eventually, within } from './deadline.ts';
import { H2Session } from './h2_session.ts';
import { SseStream } from './sse_stream.ts';

/** Reads on over streams that end, as an EventSource does; a new connection for each stream. */
export class ReturningClient implements AsyncDisposable {
  readonly name: string;
  /** How many streams it had so far. */
  streams = 0;
  readonly #url: string;
  readonly #values: string[] = [];
  readonly #following: Promise<void>;
  #current: SseStream | null = null;
  #fault: unknown = null;
  #isOver = false;

  /** @param name what it speaks: over `HTTP/2` one that knows nothing else */
  constructor(name: string, url: string) {
    this.name = name;
    this.#url = url;
    this.#following = this.#follow().catch((error) => {
      this.#fault = error;
    });
  }

  /** The values that it got, in order. @throws where it gave up, as an EventSource would. */
  async values(): Promise<readonly string[]> {
    if (this.#fault !== null) throw this.#fault;
    const open = this.#current === null || this.#current.isOver ? [] : this.#current.events;
    return [...this.#values, ...open.map(({ data }) => data)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#current?.cut();
    await within(`the end of a client over ${this.name}`, this.#following);
  }

  async #follow(): Promise<void> {
    for (let lastId = ''; !this.#isOver; await delay(200)) {
      const h2 = this.name === 'HTTP/2' ? new H2Session(this.#url) : null;
      try {
        const headers = { accept: 'text/event-stream', 'last-event-id': lastId };
        const options = h2 === null ? { headers } : { headers, h2: h2.session };
        const stream = await SseStream.open(this.#url, options);
        // Any other status ends an EventSource for good.
        if (stream.status !== 200) throw new Error(`${stream.status} from ${this.#url}`);
        this.streams++;
        this.#current = stream;
        await stream.over;
        this.#values.push(...stream.events.map(({ data }) => data));
        lastId = stream.blocks.findLast(({ id }) => id !== '')?.id ?? lastId;
      } catch (error) {
        // A connection that is refused or cut is tried again.
        if (!(error as NodeJS.ErrnoException).code) throw error;
      } finally {
        await h2?.[Symbol.asyncDispose]();
      }
    }
  }
}

/** One over each version of HTTP. */
export function clientsOf(url: string): ReturningClients {
  return new ReturningClients(['HTTP/1.1', 'HTTP/2'].map((name) => new ReturningClient(name, url)));
}

class ReturningClients implements AsyncDisposable {
  readonly #all: readonly ReturningClient[];

  constructor(all: readonly ReturningClient[]) {
    this.#all = all;
  }

  /** What each of them got, and of how many streams. */
  seen(): Promise<{ name: string; streams: number; values: readonly string[] }[]> {
    return Promise.all(
      this.#all.map(async (client) => ({
        name: client.name,
        streams: client.streams,
        values: await client.values(),
      })),
    );
  }

  /** Waits until each of them has so many values. */
  async until(count: number): Promise<void> {
    await eventually(`${count} values by each client`, async () => {
      const seen = await this.seen();
      return seen.every(({ values }) => values.length >= count);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((client) => client[Symbol.asyncDispose]()));
  }
}
