import type { Buffer } from 'node:buffer';
import { get, type IncomingMessage } from 'node:http';
import { Growth, within } from './deadline.ts';

/**
 * A stream of which all bytes are known before: they are compared as they come and not kept, so
 * that many can read much. Nothing is taken from the socket but while `readTo` waits.
 */
export class KnownStream implements AsyncDisposable {
  readonly #url: string;
  readonly #expected: Buffer;
  readonly #body: IncomingMessage;
  readonly #growth = new Growth();
  /** The first block differs from stream to stream. */
  #isPastRetry = false;
  #position = 0;
  #target = 0;
  #fault: Error | null = null;

  /** @param expected what comes after the first block */
  static async open(url: string, expected: Buffer, id = ''): Promise<KnownStream> {
    const headers = id === '' ? {} : { 'last-event-id': id };
    const opened = new Promise<IncomingMessage>((resolve, reject) => {
      get(url, { headers, agent: false }, resolve).on('error', reject);
    });
    return new KnownStream(url, expected, await within(`the head of ${url}`, opened));
  }

  private constructor(url: string, expected: Buffer, body: IncomingMessage) {
    this.#url = url;
    this.#expected = expected;
    this.#body = body;
    body.pause();
    body.on('data', (bytes: Buffer) => this.#take(bytes));
    body.on('error', () => {});
    body.on('close', () => this.#fail('it is over'));
  }

  /** Bytes of `expected` that came, at least those asked for by `readTo`. */
  get position(): number {
    return this.#position;
  }

  /** Reads on until so many bytes came in all, and stops there. */
  async readTo(position: number, ms?: number): Promise<void> {
    this.#target = position;
    this.#body.resume();
    const label = (): string => `byte ${position} of ${this.#url}; ${this.#position} came`;
    await this.#growth.until(
      label,
      () => {
        if (this.#fault !== null) throw this.#fault;
        return this.#position >= position;
      },
      ms,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#body.closed) return;
    const closed = new Promise((resolve) => this.#body.on('close', resolve));
    this.#body.destroy();
    await within(`the end of ${this.#url} after a cut`, closed);
  }

  #take(bytes: Buffer): void {
    let rest = bytes;
    if (!this.#isPastRetry) {
      rest = bytes.subarray(bytes.indexOf('\n\n') + 2);
      this.#isPastRetry = true;
      if (!/^retry:\d+\n\n/.test(bytes.toString('latin1', 0, 20))) this.#fail('no first block');
    }
    const due = this.#expected.subarray(this.#position, this.#position + rest.length);
    if (!rest.equals(due)) {
      const at = rest.findIndex((byte, index) => byte !== due[index]);
      const text = (of: Buffer): string => of.toString('utf8', Math.max(0, at - 50), at + 100);
      this.#fail(`at ${this.#position + at} came ${text(rest)} in place of ${text(due)}`);
    }
    this.#position += rest.length;
    if (this.#position >= this.#target) this.#body.pause();
    this.#growth.changed();
  }

  #fail(what: string): void {
    this.#fault ??= new Error(`${this.#url}: ${what}`);
    this.#growth.changed();
  }
}
