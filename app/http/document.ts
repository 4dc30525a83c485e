import { getLogger } from '@logtape/logtape';
import type { Served } from '../channels/channels.ts';
import type { GzipMember } from '../compression/gzip_member.ts';
import type { ByteSource, Receiver } from '../ports/byte_source.ts';
import type { EndReason } from '../ports/stream_observer.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import { DocumentWriter } from '../wire/document.ts';
import type { OpenStream, OpenStreams } from './open_streams.ts';

const logger = getLogger(['sse-kafka', 'http']);

/** White space between two records: shows proxies and the kernel that it goes on. */
const SPACE: Uint8Array = new TextEncoder().encode('\n');

/** How a document begins: with a head, or with nothing, because it will not come, or why it was ended. */
type Beginning = 'known' | 'late' | EndReason;

/**
 * One document instead of a stream: what was there, read and written as a stream is, with what the
 * client does not take left where it is. It has its head only once that says where it will end.
 */
export class Document implements ByteSource, OpenStream {
  readonly channel: Served;
  readonly address: string;
  readonly userAgent: string | null;
  bytes = 0;
  lastSent = 0;
  /** It has one id, at its end. */
  readonly isAgeing = false;
  readonly #subscription: ClientStream;
  readonly #streams: OpenStreams;
  readonly #letGo: () => void;
  readonly #gzip: GzipMember | null;
  readonly #writer = new DocumentWriter();
  /** What came before the head went out. */
  #first: Uint8Array | null = null;
  #receiver: Receiver | null = null;
  /** Who waits for the head. */
  #wakeHead: (() => void) | null = null;
  #endReason: EndReason | null = null;
  #isWhole = false;
  readonly #onWake = (): void => this.#wake();

  constructor(
    channel: Served,
    address: string,
    userAgent: string | null,
    subscription: ClientStream,
    streams: OpenStreams,
    letGo: () => void = () => {},
    gzip: GzipMember | null = null,
  ) {
    this.channel = channel;
    this.address = address;
    this.userAgent = userAgent;
    this.#subscription = subscription;
    this.#streams = streams;
    this.#letGo = letGo;
    this.#gzip = gzip;
  }

  /** Records and gaps in it so far. */
  get events(): number {
    return this.#writer.events;
  }

  get behind(): number | null {
    return this.#subscription.behind;
  }

  /** Whether there is nothing in it for its client. To be asked once its beginning is known. */
  get isEmpty(): boolean {
    return this.#writer.isEmpty;
  }

  /** Its id, or the least that it will be. To be asked once its beginning is known. */
  get id(): string {
    return this.#subscription.endId ?? this.#writer.id;
  }

  /**
   * Waits until the head is known: by the first record or gap, and the place where all ends.
   * @param loadMs within which the topic has to be loaded
   * @param allMs within which it has to be known
   */
  async begin(loadMs: number, allMs: number): Promise<Beginning> {
    const began = Date.now();
    for (;;) {
      if (this.#endReason !== null) return this.#endReason;
      if (this.#isKnown()) return 'known';
      const isLoaded = this.channel.parts.every(({ feed }) => feed.loadedLog !== null);
      const leftMs = began + (isLoaded ? allMs : loadMs) - Date.now();
      if (leftMs <= 0) return 'late';
      await this.#woken(Math.min(leftMs, loadMs));
    }
  }

  next(receiver: Receiver): void {
    if (this.#endReason !== null) {
      receiver.end();
      return;
    }
    let bytes: Uint8Array | null;
    try {
      bytes = this.#take();
    } catch (error) {
      const { topic } = this.channel;
      logger.error('A document of {topic} failed: {error}', { topic, error });
      this.end('error');
      receiver.end();
      return;
    }
    if (bytes !== null) {
      this.#hand(receiver, bytes);
    } else if (this.#isWhole || this.#writer.isBroken) {
      const end = this.#isWhole ? (this.#gzip?.end() ?? null) : null;
      if (end !== null) {
        this.#send(receiver, end, 0);
        return;
      }
      // What does not parse was cut, and is asked for again.
      this.end(this.#isWhole ? 'done' : 'error');
      receiver.end();
    } else {
      this.#receiver = receiver;
      this.#subscription.wait(this.#onWake);
    }
  }

  cancel(): void {
    // Whoever asked for the next part takes no more, not even the end.
    this.#receiver = null;
    this.end('client');
  }

  beat(): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    if (receiver !== null) this.#hand(receiver, SPACE);
  }

  /** It never looks whole then, wherever it is. */
  end(reason: EndReason): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    this.#subscription.close();
    this.#letGo();
    this.#streams.delete(this, reason);
    this.#wake();
  }

  #isKnown(): boolean {
    const subscription = this.#subscription;
    while (this.#writer.isEmpty && !subscription.isOver) {
      const blocks = subscription.take();
      if (blocks === null) break;
      this.#first = this.#writer.write(blocks);
    }
    return subscription.isOver || (!this.#writer.isEmpty && subscription.endId !== null);
  }

  #woken(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wakeHead = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#subscription.wait(this.#onWake);
    });
  }

  #wake(): void {
    const wakeHead = this.#wakeHead;
    this.#wakeHead = null;
    wakeHead?.();
    const receiver = this.#receiver;
    this.#receiver = null;
    if (receiver !== null) this.next(receiver);
  }

  /** The next part; `null` where there is none now, or none any more. */
  #take(): Uint8Array | null {
    const first = this.#first;
    this.#first = null;
    if (first !== null && first.length > 0) return first;
    const subscription = this.#subscription;
    while (!subscription.isOver && !this.#writer.isBroken) {
      const blocks = subscription.take();
      if (blocks === null) return null;
      const bytes = this.#writer.write(blocks);
      if (bytes.length > 0) return bytes;
    }
    if (this.#isWhole || this.#writer.isBroken) return null;
    this.#isWhole = true;
    return this.#writer.end();
  }

  #hand(receiver: Receiver, plain: Uint8Array): void {
    this.#send(receiver, this.#gzip?.add(plain, false) ?? plain, plain.length);
  }

  #send(receiver: Receiver, bytes: Uint8Array, plainLength: number): void {
    this.lastSent = this.#streams.sweeps;
    this.bytes += bytes.length;
    this.#subscription.sent(bytes.length, plainLength);
    receiver.receive(bytes);
  }
}
