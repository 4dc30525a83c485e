/** What a client got, and what it should not have got or not have missed. */
export class Tally {
  delivered = 0;
  /** Records that should have come and did not; of a compacted topic keys without their last one. */
  lost = 0;
  /** Keys that a client still had at the end though they were deleted, or had left its view. */
  dead = 0;
  doubled = 0;
  outOfOrder = 0;
  /** Values that were not produced, records that nobody may see. */
  wrong = 0;
  /** Gaps that tell only of records that Kafka had deleted. */
  explainedGaps = 0;
  unexplainedGaps = 0;
  reconnects = 0;
  refusals = 0;
  /** Requests that reached a gateway later than it waits for them, or had no head after a minute. */
  late = 0;
  /** Streams that ended with their token. */
  expired = 0;

  get isClean(): boolean {
    const { lost, dead, doubled, outOfOrder, wrong, unexplainedGaps } = this;
    return lost + dead + doubled + outOfOrder + wrong + unexplainedGaps === 0;
  }

  add(other: Tally): void {
    this.delivered += other.delivered;
    this.lost += other.lost;
    this.dead += other.dead;
    this.doubled += other.doubled;
    this.outOfOrder += other.outOfOrder;
    this.wrong += other.wrong;
    this.explainedGaps += other.explainedGaps;
    this.unexplainedGaps += other.unexplainedGaps;
    this.reconnects += other.reconnects;
    this.refusals += other.refusals;
    this.late += other.late;
    this.expired += other.expired;
  }
}
