import type { Feed } from './feed.ts';
import type { Format } from './format.ts';
import type { Place } from './place.ts';
import type { Subscription } from './subscription.ts';

/**
 * A stretch of a client's way through a topic: opening, history, alignment, shared. `take` gives
 * the next bytes, the stretch that follows, or `null` where the client has all there is for now.
 */
export interface Stretch {
  take(): Uint8Array | Stretch | null;
  /** Where the client is; `null` before its start is known. */
  place(): Place | null;
  /** Lets go of what goes on for it: the client has gone. */
  close?(): void;
}

/** What a client's stretches share. */
export interface Route {
  readonly feed: Feed;
  readonly format: Format;
  readonly subscription: Subscription;
}

/** One block that only this client gets, before it goes on. */
export class Notice implements Stretch {
  readonly #next: Stretch;
  #bytes: Uint8Array | null;

  constructor(bytes: Uint8Array, next: Stretch) {
    this.#bytes = bytes;
    this.#next = next;
  }

  take(): Uint8Array | Stretch {
    const bytes = this.#bytes;
    this.#bytes = null;
    return bytes ?? this.#next;
  }

  /** Not known before the block is sent, so that nothing comes before it. */
  place(): null {
    return null;
  }
}
