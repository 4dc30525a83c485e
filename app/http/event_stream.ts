import { getLogger } from '@logtape/logtape';
import type { GzipMember } from '../compression/gzip_member.ts';
import type { ByteSource, Receiver } from '../ports/byte_source.ts';
import type { EndReason } from '../ports/stream_observer.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import { HEARTBEAT, retryFrame } from '../wire/frame.ts';
import type { OpenStream, OpenStreams, StreamedChannel } from './open_streams.ts';
import { retryOfStream } from './retry.ts';

const logger = getLogger(['sse-kafka', 'http']);

/**
 * What the body of one response is read from. It is pulled from and has no queue of its own: what the client does
 * not take stays in the log. It is asked for the next bytes only once those before are with the
 * kernel or wait for it alone.
 *
 * It subscribes when it is first asked, not before: a response that is made and dropped (HEAD, a
 * middleware that answers in its place) leaves nothing behind.
 */
export class EventStream implements ByteSource, OpenStream {
  readonly channel: StreamedChannel;
  readonly address: string;
  readonly userAgent: string | null;
  lastSent = 0;
  events = 0;
  bytes = 0;
  /** Let go of once it was called: it holds the request. */
  #subscribe: (() => ClientStream) | null;
  readonly #streams: OpenStreams;
  readonly #letGo: () => void;
  /** What compresses it; `null`: it goes as it is. */
  readonly #gzip: GzipMember | null;
  #subscription: ClientStream | null = null;
  /** Who waits for the next bytes, while the client has all there is. */
  #receiver: Receiver | null = null;
  /** Set once it is to end, which it does where a block ends. */
  #endReason: EndReason | null = null;
  /** Whether its client was told that its token is over. */
  #isToldExpired = false;
  /** One for all its waits. */
  readonly #onWake = (): void => this.#wake();

  /**
   * To be made once `streams.admit(address)` has let it in, and added then.
   * @param letGo is called once it is over; perhaps more than once
   */
  constructor(
    channel: StreamedChannel,
    address: string,
    userAgent: string | null,
    subscribe: () => ClientStream,
    streams: OpenStreams,
    letGo: () => void = () => {},
    gzip: GzipMember | null = null,
  ) {
    this.channel = channel;
    this.address = address;
    this.userAgent = userAgent;
    this.#subscribe = subscribe;
    this.#streams = streams;
    this.#letGo = letGo;
    this.#gzip = gzip;
  }

  next(receiver: Receiver): void {
    if (this.#subscription?.isOver === true) this.#endReason = 'done';
    if (this.#endReason !== null && this.#subscription?.isWithinBlock !== true) {
      if (this.#hasToTellExpired) {
        this.#isToldExpired = true;
        this.events++;
        this.#hand(receiver, this.#subscription!.expired());
        return;
      }
      this.#close(this.#endReason);
      const end = this.#gzip?.end() ?? null;
      if (end === null) receiver.end();
      else this.#send(receiver, end, 0);
      return;
    }
    let bytes: Uint8Array | null;
    try {
      bytes = this.#take(false);
    } catch (error) {
      this.#fail(receiver, error);
      return;
    }
    if (bytes !== null) {
      this.#hand(receiver, bytes);
      return;
    }
    this.#await(receiver);
  }

  #await(receiver: Receiver): void {
    this.#receiver = receiver;
    this.#subscription!.wait(this.#onWake);
  }

  #take(isIdle: boolean): Uint8Array | null {
    if (this.#subscribe === null) return this.#takeNext(isIdle);
    this.#subscription = this.#subscribe();
    this.#subscribe = null;
    return retryFrame(retryOfStream());
  }

  #takeNext(isIdle: boolean): Uint8Array | null {
    const subscription = this.#subscription!;
    const before = subscription.eventsSent;
    const bytes = subscription.take(isIdle);
    this.events += subscription.eventsSent - before;
    return bytes;
  }

  /** Ends this stream alone: thrown on, it would end the feed's round, or be told to the client. */
  #fail(receiver: Receiver, error: unknown): void {
    const { topic } = this.channel;
    logger.error('A stream of {topic} failed: {error}', { topic, error });
    this.#close('error');
    receiver.end();
  }

  cancel(): void {
    this.#receiver = null;
    this.#close('client');
  }

  get behind(): number | null {
    return this.#subscription?.behind ?? null;
  }

  get isAgeing(): boolean {
    return this.#receiver !== null && this.#subscription!.isAgeing;
  }

  beat(isIdle: boolean): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    if (receiver === null) return;
    let bytes: Uint8Array | null;
    try {
      bytes = this.#take(true);
    } catch (error) {
      this.#fail(receiver, error);
      return;
    }
    bytes ??= isIdle ? HEARTBEAT : null;
    if (bytes === null) this.#await(receiver);
    else this.#hand(receiver, bytes);
  }

  end(reason: EndReason): void {
    this.#endReason ??= reason;
    // Once the client has taken what it was given, it hears of the end.
    const isAtEnd = this.#subscription?.isWithinBlock !== true;
    if (isAtEnd && !(reason === 'expired' && this.#hasToTellExpired)) this.#close(this.#endReason);
    this.#wake();
  }

  get #hasToTellExpired(): boolean {
    return this.#endReason === 'expired' && this.#subscription !== null && !this.#isToldExpired;
  }

  #wake(): void {
    const receiver = this.#receiver;
    this.#receiver = null;
    if (receiver !== null) this.next(receiver);
  }

  #hand(receiver: Receiver, plain: Uint8Array): void {
    const bytes = this.#gzip?.add(plain, this.#subscription!.isShared) ?? plain;
    this.#send(receiver, bytes, plain.length);
  }

  /**
   * The one place where bytes leave for a client: an array, which becomes one write.
   * @param plainLength of what they are to the client
   */
  #send(receiver: Receiver, bytes: Uint8Array, plainLength: number): void {
    this.lastSent = this.#streams.sweeps;
    this.bytes += bytes.length;
    this.#subscription?.sent(bytes.length, plainLength);
    receiver.receive(bytes);
  }

  #close(reason: EndReason): void {
    this.#subscription?.close();
    this.#gzip?.close();
    this.#letGo();
    this.#streams.delete(this, reason);
  }
}
