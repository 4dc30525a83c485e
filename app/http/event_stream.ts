import { HEARTBEAT, retryFrame } from '../feed/frame.ts';
import type { Subscription } from '../feed/subscription.ts';
import type { EndReason } from '../stream_observer.ts';
import type { OpenStreams } from './open_streams.ts';
import { randomBetween } from './random_between.ts';

/** A client waits this long before it comes back, at random, so that a crowd is spread. */
const MIN_RETRY_MS = 1000;
const MAX_RETRY_MS = 3000;

/**
 * The body of one response. It is pulled from and has no queue of its own: what the client does
 * not take stays in the log.
 *
 * It subscribes in the first pull, not before: a response that is made and dropped (HEAD, a
 * middleware that answers in its place) leaves nothing behind.
 */
export class EventStream {
  readonly topic: string;
  /** The client's IP address. */
  readonly address: string;
  readonly body: ReadableStream<Uint8Array>;
  /** The sweep in which something was last sent. */
  lastSent = 0;
  readonly #subscribe: () => Subscription;
  readonly #streams: OpenStreams;
  #subscription: Subscription | null = null;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Set while the client has all there is: ends the pull that waits. */
  #endPull: (() => void) | null = null;
  /** Set once it is to end, which it does where a block ends. */
  #endReason: EndReason | null = null;

  /** To be made once `streams.admit(address)` has let it in. */
  constructor(topic: string, address: string, subscribe: () => Subscription, streams: OpenStreams) {
    this.topic = topic;
    this.address = address;
    this.#subscribe = subscribe;
    this.#streams = streams;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#close('client'),
      },
      { highWaterMark: 0 },
    );
    streams.add(this);
  }

  /** Sends a comment, if nothing else is under way. */
  beat(): void {
    if (this.#endPull !== null) this.#send(HEARTBEAT);
  }

  /** Ends the response where a block ends. */
  end(reason: EndReason): void {
    this.#endReason ??= reason;
    if (this.#subscription?.isWithinBlock !== true) this.#finish(this.#endReason);
  }

  #finish(reason: EndReason): void {
    this.#close(reason);
    this.#controller.close();
    this.#endPull?.();
  }

  #pull(): Promise<void> | void {
    if (this.#subscription === null) {
      this.#subscription = this.#subscribe();
      this.#send(retryFrame(randomBetween(MIN_RETRY_MS, MAX_RETRY_MS)));
      return;
    }
    if (this.#endReason !== null && !this.#subscription.isWithinBlock) {
      this.#finish(this.#endReason);
      return;
    }
    const bytes = this.#subscription.take();
    if (bytes !== null) {
      this.#send(bytes);
      return;
    }
    return new Promise((resolve) => {
      this.#endPull = resolve;
      this.#wait(this.#subscription!);
    });
  }

  #wait(subscription: Subscription): void {
    subscription.wait(() => {
      if (this.#endPull === null) return;
      const bytes = subscription.take();
      if (bytes === null) this.#wait(subscription);
      else this.#send(bytes);
    });
  }

  #send(bytes: Uint8Array): void {
    this.lastSent = this.#streams.sweeps;
    this.#controller.enqueue(bytes);
    const endPull = this.#endPull;
    this.#endPull = null;
    endPull?.();
  }

  #close(reason: EndReason): void {
    this.#subscription?.close();
    this.#streams.delete(this, reason);
  }
}
