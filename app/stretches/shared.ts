import type { Dropped, Log, LogEnd } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import { coversAll, type Place } from '../wire/place.ts';
import type { Client } from './client.ts';
import { openAgain, type Step } from './step.ts';
import type { NewFrom, Stretch } from './stretch.ts';

/** The client's cursor is the feed's: ids and bytes are the same for all who stand here. */
export class Shared implements Stretch {
  readonly isAhead = false;
  readonly isShared = true;
  readonly #client: Client;
  readonly #log: Log;
  #segment: Segment;
  /** Sequence number of the next record. */
  #seq: number;
  /** What was there when the client came here is no live record to it. */
  readonly #liveFrom: number;

  /** `log.locate(seq)` must not be `null`. */
  constructor(client: Client, log: Log, seq: number, liveFrom: number) {
    this.#client = client;
    this.#log = log;
    this.#segment = log.locate(seq)!;
    this.#seq = seq;
    this.#liveFrom = liveFrom;
  }

  place(): Place {
    const positions = this.#segment.cursorAt(this.#seq);
    return { topicId: this.#log.topicId, positions, unknown: [] };
  }

  get idTime(): number | null {
    return this.#log.idTime;
  }

  behind(): number {
    return this.#log.nextSeq - this.#seq;
  }

  get isUrgent(): boolean {
    return this.#log.successor !== null || this.#log.gapFrom(this.#seq) !== null;
  }

  isPast({ log, seq, positions }: LogEnd): boolean {
    // The place is dear to compute, the sequence number is at hand.
    if (log === this.#log) return this.#seq >= seq;
    return coversAll(this.place().positions, positions);
  }

  lacks({ log, seq }: Dropped, newFrom: NewFrom | null): boolean {
    return log === this.#log && seq >= Math.max(this.#seq, newFrom?.seq ?? 0);
  }

  pass(): null {
    const log = this.#log;
    while (log.successor === null && this.#seq < log.nextSeq) {
      const segment = log.locate(this.#seq);
      if (segment === null) return null;
      const row = segment.firstToTell(this.#seq);
      const seq = row === null ? segment.nextSeq : segment.seqs[row]!;
      if (seq > this.#seq) this.#client.isPastId = true;
      this.#segment = segment;
      this.#seq = Math.max(seq, this.#seq);
      if (row !== null) break;
    }
    return null;
  }

  take(): Uint8Array | Step | null {
    const log = this.#log;
    if (log.successor !== null) return openAgain(this.place(), this.#client.idTime);
    for (;;) {
      if (this.#segment.gone || this.#segment.nextSeq <= this.#seq) {
        const segment = log.locate(this.#seq);
        if (segment === null) return { resume: log, place: this.place(), first: null };
        this.#segment = segment;
        if (segment.nextSeq <= this.#seq) return null;
      }
      const slice = log.slice(this.#segment, this.#client.view, this.#seq);
      if (slice !== null) {
        this.#client.topic.traffic.sendSlice(slice, this.#seq >= this.#liveFrom);
        this.#seq = slice.nextSeq;
        this.#client.isPastId = slice.isPastId;
        this.#client.idTime = slice.time;
        return slice.bytes;
      }
      this.#seq = this.#segment.nextSeq;
      this.#client.isPastId = true;
    }
  }
}
