import { getLogger } from '@logtape/logtape';
import type { Log, LogEnd } from '../log/log.ts';
import type { View } from '../views/view.ts';
import type { Cursor } from '../wire/cursor.ts';
import type { Positions } from '../wire/place.ts';
import type { Stretch } from './stretch.ts';
import type { Topic } from './topic.ts';

const logger = getLogger(['sse-kafka', 'feed']);

const NO_PARTITIONS: Uint8Array = new Uint8Array(0);

/** What is known of one client, whichever stretch it is on. */
export class Client {
  readonly topic: Topic;
  readonly view: View;
  /** Whether its place has moved since the last id that it was told. */
  isPastId = false;
  #wake: (() => void) | null = null;
  /** Takes back what is being asked for it. */
  #takeBack: (() => void) | null = null;
  /** Where it has all that was there when it came; `null` where it is not to be told. */
  #liveAt: LogEnd | null = null;
  #wasToldLive = false;
  /** 1 for each partition in which it has no place yet. */
  #untouched: Uint8Array = NO_PARTITIONS;

  constructor(topic: Topic, view: View) {
    this.topic = topic;
    this.view = view;
  }

  /** Calls `wake` once, when it is woken. */
  onWake(wake: (() => void) | null): void {
    this.#wake = wake;
  }

  /** There may be something for it. It never throws: those who are woken after it would wait on. */
  wake(): void {
    const wake = this.#wake;
    this.#wake = null;
    try {
      wake?.();
    } catch (error) {
      logger.error('A client cannot be woken: {error}', { error });
    }
  }

  /** Something is asked for it; in the place of what was asked before. */
  asks(takeBack: (() => void) | null): void {
    this.#takeBack?.();
    this.#takeBack = takeBack;
  }

  /** Once it has what is in the log now it is live, and told so, once, if its format tells. */
  comesTo(log: Log): void {
    if (this.view.format.announcesLive && !this.#wasToldLive) this.#liveAt = log.end();
  }

  /** The topic is another: what it was told of the one before does not count. */
  beginsAnew(): void {
    this.#wasToldLive = false;
  }

  /** Whether it is to be told that it is live. */
  isLiveOn(stretch: Stretch): boolean {
    return this.#liveAt !== null && stretch.isPast(this.#liveAt);
  }

  isToldLive(): void {
    this.#liveAt = null;
    this.#wasToldLive = true;
  }

  /**
   * It goes on at these positions. What was deleted in a partition of which it has had nothing is no
   * loss to it.
   * @param cursor what it came with; `null` where it begins anew
   */
  goesOnAt(positions: Positions, cursor: Cursor | null): void {
    this.#untouched = Uint8Array.from(positions, (_, partition) =>
      cursor?.offsets.has(partition) ? 0 : 1,
    );
  }

  /** Whether it has no place in a partition yet. */
  isNewTo(partition: number): boolean {
    return this.#untouched[partition] === 1;
  }

  isNewToAny(): boolean {
    return this.#untouched.includes(1);
  }

  /** It got a block, which gives it a place in all partitions. */
  gotBlock(): void {
    this.#untouched = NO_PARTITIONS;
  }

  /** It got a block whose id is its place. */
  gotPlace(): void {
    this.gotBlock();
    this.isPastId = false;
  }
}
