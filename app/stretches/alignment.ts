import { GAP, LIVE } from '../log/columns.ts';
import type { Dropped, Log, LogEnd } from '../log/log.ts';
import type { Segment } from '../log/segment.ts';
import { retentionGap, unreadGap } from '../wire/gap.ts';
import { coversAll, distance, type Place, type Positions } from '../wire/place.ts';
import type { Client, Told } from './client.ts';
import { openAgain, type Step } from './step.ts';
import type { NewFrom, Stretch } from './stretch.ts';

/** So many rows that its filter need not look at take as long to pass as to look at a record. */
const ROWS_A_RECORD = 16;

/**
 * The log holds records that the client has and records that it lacks, mixed, because another
 * gateway, or Kafka itself, merged the partitions in another order. Those it has are skipped; ids
 * are its own: the greater of its cursor and the feed's, partition by partition.
 */
export class Alignment implements Stretch {
  readonly #client: Client;
  readonly #log: Log;
  /** Its positions are moved on. */
  readonly #place: Place;
  readonly #positions: Positions;
  #segment!: Segment;
  /** Rows of it in which its filter may find something; `null` where it has to look at all. */
  #candidates: readonly number[] | null = null;
  /** The first of them that it has not passed. */
  #candidate = 0;
  /** The segment as it was then: what is squeezed has other rows. */
  #rowsOf = { count: 0, deaths: 0 };
  #seq: number;
  /** The feed's cursor at `#seq`, and in how many partitions the client is ahead of it. */
  #feed!: Positions;
  #ahead = 0;

  /** `log.covers(place.positions)` must hold. */
  constructor(client: Client, log: Log, place: Place) {
    this.#client = client;
    this.#log = log;
    this.#place = place;
    this.#positions = place.positions;
    this.#seq = log.seqOf(place.positions);
    this.#enter(log.locate(this.#seq)!);
  }

  place(): Place {
    return this.#place;
  }

  get idTime(): number | null {
    return this.#client.timeOn(this.#log);
  }

  behind(): number {
    return distance(this.#positions, this.#log.positions);
  }

  get isUrgent(): boolean {
    return this.#log.successor !== null || this.#liesBeyond() || this.#lacksByGap();
  }

  isPast({ positions }: LogEnd): boolean {
    return coversAll(this.#positions, positions);
  }

  lacks({ log, past }: Dropped, newFrom: NewFrom | null): boolean {
    const isPassed = (offset: number, partition: number): boolean =>
      offset >= past[partition]! || (newFrom?.positions[partition] ?? 0) >= past[partition]!;
    return log === this.#log && !this.#positions.every(isPassed);
  }

  get isAhead(): boolean {
    return this.#ahead > 0;
  }

  pass(): Step | null {
    if (this.#log.successor !== null) return null;
    const again = this.#resumed();
    if (again !== null) return again;
    while (!this.#restsNow() && this.#advance(false));
    return this.#shared();
  }

  take(): Uint8Array | Step | null {
    if (this.#log.successor !== null) return openAgain(this.#place, this.#client.idTime);
    const again = this.#resumed();
    if (again !== null) return again;
    const { page, traffic, turns } = this.#client.topic;
    page.begin(this.idTime);
    while (!page.isFull && !this.#restsNow() && this.#advance(true));
    if (!page.isEmpty) {
      const written = page.finish();
      traffic.send(written);
      this.#client.idTime = written.time;
      return written.bytes;
    }
    const shared = this.#shared();
    if (shared !== null) return shared;
    if (this.#restsNow()) {
      turns.wait(this.#client);
      return null;
    }
    return this.#liesBeyond() ? openAgain(this.#place, this.#client.idTime) : null;
  }

  /** What it was within has left memory, or partitions were added; else it knows the rows that came since. */
  #resumed(): Step | null {
    const wereAdded = this.#positions.length < this.#log.start.length;
    if (this.#segment.gone || wereAdded)
      return { resume: this.#log, place: this.#place, first: null };
    const { count, deaths } = this.#segment;
    if (count !== this.#rowsOf.count || deaths !== this.#rowsOf.deaths) this.#lookUp();
    return null;
  }

  #shared(): Step | null {
    if (!this.#isAligned()) return null;
    const share = { log: this.#log, seq: this.#seq, positions: this.#positions };
    return { share, liveFrom: this.#log.nextSeq, first: null };
  }

  /** Whether its filter has looked at enough for now. */
  #restsNow(): boolean {
    return this.#client.view.filter !== null && this.#client.topic.turns.isOver;
  }

  /** Whether it is ahead of the feed and of an end that was seen since: the log may have been cut. */
  #liesBeyond(): boolean {
    const { ends } = this.#client.topic;
    return this.#positions.some((offset, partition) => {
      const end = ends.get(partition) ?? offset;
      return offset > Math.max(this.#log.positions[partition]!, end);
    });
  }

  /** Whether a gap lies before it that it is to be told of. */
  #lacksByGap(): boolean {
    for (let seq = this.#log.gapFrom(this.#seq); seq !== null; seq = this.#log.gapFrom(seq + 1)) {
      const segment = this.#log.locate(seq);
      const at = segment?.placeOf(seq) ?? 0;
      if (segment === null || segment.offsets[at]! >= this.#positions[segment.partitions[at]!]!)
        return true;
    }
    return false;
  }

  /**
   * Passes one place of the log.
   * @param tells whether it tells the client what is there; else it stays before that
   * @returns false where it stays, at the end of the log, and where the client is aligned
   */
  #advance(tells: boolean): boolean {
    if (this.#segment.nextSeq <= this.#seq) {
      const segment = this.#log.locate(this.#seq);
      if (segment === null || segment === this.#segment) return false;
      this.#enter(segment);
      if (segment.nextSeq <= this.#seq) return false;
    }
    if (this.#isAligned()) return false;
    const segment = this.#segment;
    const at = segment.placeOf(this.#seq);
    if (this.#hasNothingFrom(at)) {
      this.#skip();
      return true;
    }
    if (this.#candidates !== null) this.#client.topic.turns.spend(1 / ROWS_A_RECORD);
    const partition = segment.partitions[at]!;
    const offset = segment.offsets[at]!;
    const next = segment.nextAt(at);
    const mine = this.#positions[partition]!;
    const told = offset < mine ? null : this.#toldBy(segment, at, mine);
    if (told !== null && !tells) return false;
    this.#seq = segment.seqs[at]! + 1;
    if (this.#feed[partition]! < mine && next >= mine) this.#ahead--;
    this.#feed[partition] = next;
    this.#move(partition, next);
    if (told === null) return true;
    const { page, topic } = this.#client.topic;
    const { format } = this.#client.view;
    if (told === 'block')
      page.record(this.#log.encode(segment, this.#client.view), at, this.#place);
    else if (told === 'record') page.row(format, segment, at, this.#place);
    else if (told === 'leave') page.leave(format, segment, at, this.#place);
    else if (told === 'unread') page.gap(unreadGap(topic, partition, offset), this.#place);
    else page.gap(retentionGap(topic, partition, mine, offset + 1), this.#place);
    this.#client.isPastId = false;
    return true;
  }

  /** What the client is told by a row that it has not passed: by the block that all get of it, or by one of its own. */
  #toldBy(segment: Segment, at: number, mine: number): Told | 'block' | 'gap' {
    const { filter } = this.#client.view;
    if (segment.states[at] === GAP) {
      const { page } = this.#client.topic;
      return page.isEmpty && this.#client.isNewTo(segment.partitions[at]!) ? null : 'gap';
    }
    if (segment.states[at] !== LIVE) return null;
    if (filter === null) return 'block';
    if (this.#candidates !== null && this.#candidateFrom(at) !== at) return null;
    return this.#client.toldBy(segment, at, (leaves, facts) =>
      leaves.tells(facts, segment, at, ({ record }) => record.offset < mine),
    );
  }

  /** Whether its filter finds nothing in the rest of the segment, and nothing was lost there. */
  #hasNothingFrom(at: number): boolean {
    if (this.#candidates === null) return false;
    const gap = this.#log.gapFrom(this.#seq);
    if (gap !== null && gap < this.#segment.nextSeq) return false;
    return this.#candidateFrom(at) === undefined;
  }

  #candidateFrom(at: number): number | undefined {
    const rows = this.#candidates!;
    while (rows[this.#candidate]! < at) this.#candidate++;
    return rows[this.#candidate];
  }

  /** Passes the rest of the segment in one step. */
  #skip(): void {
    const segment = this.#segment;
    this.#client.topic.turns.spend(1);
    this.#seq = segment.nextSeq;
    this.#stand(segment.cursorAt(this.#seq));
  }

  #move(partition: number, next: number): void {
    if (next <= this.#positions[partition]!) return;
    this.#positions[partition] = next;
    this.#client.isPastId = true;
  }

  #enter(segment: Segment): void {
    this.#segment = segment;
    // Places before it were squeezed out.
    this.#seq = Math.max(this.#seq, segment.firstSeq);
    this.#lookUp();
    // What a squeezed segment has lost was superseded.
    this.#stand(segment.start.slice());
  }

  #lookUp(): void {
    const { filter } = this.#client.view;
    const { count, deaths } = this.#segment;
    const { facts } = this.#client.topic;
    this.#candidates = filter === null ? null : this.#log.candidates(this.#segment, filter, facts);
    this.#candidate = 0;
    this.#rowsOf = { count, deaths };
  }

  /** The feed stood at `feed` here; the client lacks nothing below it. */
  #stand(feed: Positions): void {
    this.#feed = feed;
    this.#ahead = 0;
    for (let partition = 0; partition < feed.length; partition++) {
      if (this.#positions[partition]! < feed[partition]!) {
        this.#move(partition, feed[partition]!);
      } else if (this.#positions[partition]! > feed[partition]!) {
        this.#ahead++;
      }
    }
  }

  /**
   * Ids of a segment from before a partition was added do not name it, and gaps that lie ahead are
   * told to all who stand where all ids are the same.
   */
  #isAligned(): boolean {
    if (this.#seq <= this.#log.lastGapSeq && this.#client.isNewToAny()) return false;
    const namesAll = this.#segment.start.length === this.#positions.length;
    return this.#ahead === 0 && this.#place.unknown.length === 0 && namesAll;
  }
}
