import { HEARTBEAT, retryFrame } from '../feed/frame.ts';
import type { Subscription } from '../feed/subscription.ts';
import type { OpenStreams } from './open_streams.ts';

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
  readonly body: ReadableStream<Uint8Array>;
  /** The sweep in which something was last sent. */
  lastSent = 0;
  readonly #subscribe: () => Subscription;
  readonly #streams: OpenStreams;
  #subscription: Subscription | null = null;
  #controller!: ReadableStreamDefaultController<Uint8Array>;
  /** Set while the client has all there is: ends the pull that waits. */
  #endPull: (() => void) | null = null;

  constructor(subscribe: () => Subscription, streams: OpenStreams) {
    this.#subscribe = subscribe;
    this.#streams = streams;
    this.body = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => this.#pull(),
        cancel: () => this.#close(),
      },
      { highWaterMark: 0 },
    );
  }

  /** Sends a comment, if nothing else is under way. */
  beat(): void {
    if (this.#endPull !== null) this.#send(HEARTBEAT);
  }

  /** Ends the response. */
  end(): void {
    this.#close();
    this.#controller.close();
    this.#endPull?.();
  }

  #pull(): Promise<void> | void {
    if (this.#subscription === null) {
      this.#subscription = this.#subscribe();
      this.#streams.add(this);
      this.#send(retryFrame(random(MIN_RETRY_MS, MAX_RETRY_MS)));
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

  #close(): void {
    this.#subscription?.close();
    this.#streams.delete(this);
  }
}

function random(from: number, to: number): number {
  return from + Math.floor(Math.random() * (to - from + 1));
}
