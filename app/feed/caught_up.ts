import { coversAll, type Positions } from '../wire/place.ts';

/** So many looks at the ends wait at the most for the reading to come there. */
const MAX_LOOKS = 16;

/** Where Kafka's log ended, and when that was asked. */
interface Look {
  readonly askedAt: number;
  readonly ends: Positions;
}

/**
 * When the reading of a log last had everything that Kafka had.
 *
 * What it lacks was written after that, whether it lags or the brokers are away. Kafka keeps a delete
 * for `delete.retention.ms`: for so long none of those that it lacks is dropped.
 */
export class CaughtUp {
  /** Unix milliseconds. */
  at: number;
  /** In the order in which they were asked for. */
  readonly #looks: Look[] = [];

  /** @param beganAt who has read nothing lacks no delete: it has no record that was deleted */
  constructor(beganAt: number) {
    this.at = beganAt;
  }

  /** @param ends as they were at some time from `askedAt` on */
  looked(askedAt: number, ends: Positions): void {
    if (this.#looks.length < MAX_LOOKS) this.#looks.push({ askedAt, ends });
  }

  /** The reading has come to `positions`. */
  hasRead(positions: Positions): void {
    let look = this.#looks[0];
    while (look !== undefined && coversAll(positions, look.ends)) {
      this.at = look.askedAt;
      this.#looks.shift();
      look = this.#looks[0];
    }
  }
}
