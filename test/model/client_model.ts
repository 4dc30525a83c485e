import { ClientBeats } from './client_beats.ts';
import type { ClientFilter } from './client_filter.ts';
import { ClientPlace } from './client_place.ts';
import { ClientTable } from './client_table.ts';
import type { DecodedCursor } from './cursor_decoder.ts';
import { expectedBlock, expectedLeave } from './expected_block.ts';
import type { Ledger, LedgerRecord, LedgerTopic } from './ledger.ts';
import type { Block } from './sse_parser.ts';

/** For how long a new client may get records that were deleted from the front, in milliseconds. */
const MAX_STALE_MS = 60_000;
/** Brokers that deny a partition are asked again after so many milliseconds. */
const DENIED_AGAIN_MS = 10_000;

/** What a client asked for when it opened a stream, and what its replica had read by then. */
export interface StreamStart {
  readonly cursor: DecodedCursor | null | 'unreadable';
  readonly since: 'latest' | number | null;
  readonly at: number;
  /** Positions of the replica; `null` where it had not loaded the topic. */
  readonly readUpTo: ArrayLike<number> | null;
}

interface Stream extends StreamStart {
  /** When the client came; unknown once it was told to go on as a new one. */
  cameAt: number | null;
  isNew: boolean;
  blocks: number;
  isLive: boolean;
  /** Where `since` begins at the earliest, by partition. */
  readonly earliest: readonly number[];
  /** The ends when the client came. */
  readonly ends: readonly number[];
  /** Whether its replica said that it hears nothing. */
  wasStale: boolean;
  /** The records that came. */
  readonly come: Set<LedgerRecord>;
  /** Partitions that its cursor names and the topic had not. */
  readonly lacking: readonly number[];
  /** How many topics of the name had been made by then. */
  readonly timesMade: number;
}

interface Gap {
  readonly reason: string;
  readonly topic: string;
  readonly partitions: readonly { partition: number; from: number; to: number }[];
}

/**
 * Says what one client must have got, by the contract alone. It follows the client's cursor: each
 * block's id says up to where the client has everything, and each record below it must have come,
 * once, or must have been told as lost, or must be of those that need not come.
 */
export class ClientModel {
  readonly #ledger: Ledger;
  readonly #topicName: string;
  readonly #format: 'text' | 'json';
  readonly #endsLive: boolean;
  #filter: ClientFilter;
  readonly #place: ClientPlace;
  #stream: Stream | null = null;
  /** The time of the last id. */
  #idTime: number | null = null;
  /** When its stream before this one was over; `null` where that does not count. */
  #leftAt: number | null = null;
  readonly #table: ClientTable;
  /** Since when its replica knows by all means what left its view, Unix milliseconds; `null` where it may not. */
  knowsSince: number | null = null;
  readonly beats: ClientBeats;

  /**
   * @param endsLive whether its streams end once they are live
   * @param everyMs between two beats; `null` for none
   */
  constructor(
    ledger: Ledger,
    topicName: string,
    format: 'text' | 'json',
    filter: ClientFilter,
    endsLive: boolean,
    everyMs: number | null,
  ) {
    this.#ledger = ledger;
    this.#topicName = topicName;
    this.#format = format;
    this.#endsLive = endsLive;
    this.#filter = filter;
    this.#place = new ClientPlace(ledger, filter);
    this.#table = new ClientTable(filter);
    this.beats = new ClientBeats(everyMs, this.#place);
  }

  /** From now on it is to get something else. */
  changeFilter(filter: ClientFilter): void {
    this.#filter = filter;
    this.#place.filter = filter;
    this.#table.filter = filter;
  }

  /**
   * Its stream is over.
   * @param readUpTo positions of the replica
   */
  close(now: number, readUpTo: ArrayLike<number> | null): void {
    if (this.#stream === null) return;
    // Else it comes back with the id that it had before.
    if (this.#stream.blocks > 0) this.#leftAt = now;
    const hasAllOf = ({ length }: ArrayLike<number>): boolean =>
      Array.from({ length }).every((_, number) => this.#place.next(number) >= readUpTo![number]!);
    // What the replica itself lacks has to be told.
    const isBehindIt = readUpTo === null || !hasAllOf(readUpTo);
    if (isBehindIt && !this.#isWhole()) this.#table.isLeftBehind();
  }

  /** The client opens a stream. */
  open(start: StreamStart): void {
    const { cursor, since, at, readUpTo } = start;
    const partitions = this.#ledger.current?.partitions ?? [];
    const isNew = cursor === null || cursor === 'unreadable';
    this.#stream = {
      ...start,
      cameAt: at,
      isNew,
      blocks: 0,
      isLive: false,
      wasStale: false,
      come: new Set(),
      ends: partitions.map(({ end }) => end),
      lacking: isNew ? [] : [...cursor.offsets.keys()].filter((one) => !this.#exists(one)),
      timesMade: this.#ledger.timesMade,
      earliest: partitions.map((partition, number) =>
        since === 'latest' ? (readUpTo?.[number] ?? 0) : partition.startOf(since ?? 0),
      ),
    };
    this.#place.begin(isNew ? null : cursor);
    this.beats.open();
  }

  /**
   * The client got a block with an id.
   * @param readUpTo positions of the replica when it handed the block out
   * @param now when it was handed out
   * @param isPrompt whether nothing keeps the replica from knowing that it has everything
   * @throws when it must not have come, or something is missing before it
   */
  receive(
    block: Block,
    id: DecodedCursor,
    readUpTo: ArrayLike<number> | null,
    now: number,
    isPrompt: boolean,
  ): void {
    const stream = this.#stream!;
    const isFirst = stream.blocks++ === 0;
    const gap = block.event === 'gap' ? this.#parseGap(block) : null;
    if (isFirst && gap?.reason !== 'recreated') this.#checkNothingLacks(stream);
    if (isFirst) this.#checkNotLate(stream, gap);
    if (isFirst && stream.cursor === 'unreadable' && gap?.reason !== 'unreadable-cursor') {
      throw new Error('the cursor was unreadable and the client is not told');
    }
    if (gap !== null) this.#receiveGap(gap, id, now);
    else if (isFirst && stream.isNew && stream.since !== null) this.#receiveStart(block, id);
    else if (this.#place.isGone(id)) this.#receiveOfGone(block, id, readUpTo);
    else if (block.event === 'place') this.#receivePlace(block, id);
    else if (block.event === 'live') this.#receiveLive(block, id, now);
    else this.#receiveRecord(block, id, readUpTo);
    this.#checkTime(id, now, isPrompt);
    this.#idTime = id.time;
    if (this.#isWhole()) this.#table.isWhole(this.#place.topic!);
  }

  /**
   * The client got an id with what came of another topic.
   * @param mayHold whether the block may be a record without key and value
   * @throws when something is missing before it
   */
  passes(id: DecodedCursor, mayHold: boolean): void {
    const stream = this.#stream!;
    const isFirst = stream.blocks++ === 0;
    if (isFirst && stream.cursor === 'unreadable') {
      throw new Error('it is told a place before it is told that its cursor was unreadable');
    }
    if (isFirst) this.#checkNothingLacks(stream);
    if (isFirst && stream.isNew && stream.since !== null) {
      this.#place.beginIn(this.#place.topicOf(id));
      this.#checkStart(id);
    } else if (this.#place.isGone(id)) this.#place.checkGone(id);
    else {
      this.#checkId(id);
      if (mayHold) this.#place.checkNothingButEmptyLost(id);
      else this.#place.checkNothingLost(id);
    }
    this.#place.follow(id);
    this.#idTime = id.time;
  }

  /** What its ids say of it; `null` before they do. */
  get topic(): LedgerTopic | null {
    return this.#place.topic;
  }

  /** Whether it was told that it is live, and nothing has begun anew since. */
  get isLive(): boolean {
    return this.#stream!.isLive;
  }

  /** Whether it has all there is. */
  #isWhole(): boolean {
    const { topic, offsets } = this.#place;
    if (topic === null || topic !== this.#ledger.current) return false;
    for (let number = 0; number < topic.existing; number++) {
      if ((offsets.get(number) ?? 0) < topic.partition(number).end) return false;
    }
    return true;
  }

  /** Away for longer than `delete.retention.ms`, while something was written. */
  #checkNotLate({ cursor, at, ends }: Stream, gap: Gap | null): void {
    const { topic } = this.#place;
    if (cursor === null || cursor === 'unreadable' || cursor.time === null) return;
    if (topic === null || topic !== this.#ledger.current || !topic.isSteady) return;
    const hasLeft = Math.max(this.#leftAt ?? 0, cursor.time * 1000 + 999);
    const wasWritten = [...cursor.offsets].some(([number, next]) => (ends[number] ?? 0) > next);
    const isLate = at - hasLeft > topic.deleteRetentionMs;
    const isTold = gap?.reason === 'deletes' || gap?.reason === 'recreated';
    if (isLate && wasWritten && !isTold)
      throw new Error('it was away for too long and is not told');
  }

  /**
   * Whether the last id of one that waits is still good to tell how long it was away.
   * @throws when it is too old
   */
  checkAge(now: number): void {
    const { topic } = this.#place;
    if (this.#idTime === null || !topic?.isSteady || topic !== this.#ledger.current) return;
    if (this.#stream!.blocks === 0) return;
    this.#checkTime({ time: this.#idTime }, now, true);
  }

  /**
   * An idle client that has all filters let through, and waits for a beat, was told nothing.
   * @throws when its place had moved
   */
  checkPlace(readUpTo: ArrayLike<number>): void {
    const { topic } = this.#place;
    if (!topic?.isSteady || topic !== this.#ledger.current || this.#idTime === null) return;
    if (this.#filter.asked === null && this.#place.standsBeforeSuperseded(readUpTo))
      throw new Error('between beats it is not told the place before what it waits for');
  }

  #checkTime({ time }: Pick<DecodedCursor, 'time'>, now: number, isPrompt: boolean): void {
    const { isSteady, everCompacted, deleteRetentionMs } = this.#place.topic!;
    if (!isSteady) return;
    if ((time !== null) !== everCompacted) throw new Error(`an id with the time ${time}`);
    if (time === null) return;
    const maxMs = Math.max(1000, deleteRetentionMs / 4);
    const age = Math.floor(now) - time * 1000;
    const isOfCurrent = this.#place.topic === this.#ledger.current;
    // Of one whose stream hides keys it is when it last had all.
    const isOfNow = isPrompt && this.#filter.mayHave === null;
    if (age < 0 || (isOfNow && isOfCurrent && age > maxMs))
      throw new Error(`an id that is ${age} ms old, not ${maxMs}`);
  }

  /** The client was told that its replica hears nothing. */
  isStale(): void {
    this.#stream!.wasStale = true;
  }

  /** What the client lacks still, in words; `null` where it has everything. */
  lacks(): string | null {
    const stream = this.#stream;
    const { current } = this.#ledger;
    const { topic } = this.#place;
    if (stream === null || current === undefined) return 'no stream';
    if (stream.blocks === 0 && stream.cursor === 'unreadable') return 'the gap of its cursor';
    if (stream.blocks === 0 && stream.isNew && stream.since !== null) return 'its start';
    if (topic !== null && topic !== current) return 'the gap of a topic made anew';
    for (const number of this.#place.offsets.keys()) {
      if (!this.#exists(number)) return `the gap of partition ${number}, which the topic has not`;
    }
    for (let number = 0; number < current.existing; number++) {
      const { end } = current.partition(number);
      const next = this.#place.next(number);
      if (next > end) return `the gap of an end at ${number}/${end} (${next})`;
      const [lost] = this.#place.missing(number, next, end);
      if (lost !== undefined) return `record ${number}/${lost.offset}`;
    }
    return this.#tellsLive && !stream.isLive ? 'event live' : null;
  }

  /** Where it is not told to be, though nothing is written any more; `null` where it is at the end. */
  lagsBehind(): string | null {
    for (const [number, { end }] of this.#ledger.current!.partitions.entries()) {
      const next = this.#place.offsets.get(number) ?? end;
      if (next !== end) return `${number}/${next} of ${end}`;
    }
    return null;
  }

  #receiveRecord(block: Block, id: DecodedCursor, readUpTo: ArrayLike<number> | null): void {
    this.#checkId(id);
    const topic = this.#place.topic!;
    const record = this.#recordOf(block, id, readUpTo);
    const { partition, offset } = record;
    this.#stream!.come.add(record);
    this.#place.checkNothingLost(id, record);
    const by = topic.supersededBy(record, readUpTo);
    if (by) throw new Error(`record ${partition}/${offset} was superseded by ${by.offset}`);
    const deletedAt = topic.partition(partition).deletedAt(offset);
    const { isNew, cameAt } = this.#stream!;
    if (this.#ledger.hasIds && isNew && deletedAt + MAX_STALE_MS < (cameAt ?? 0)) {
      throw new Error(`record ${partition}/${offset} was deleted long before the client came`);
    }
    if (this.#filter.wants(record)) this.#table.put(record);
    else this.#receiveLeave(record);
    this.#place.follow(id);
  }

  /** A key has left its view, or may have. */
  #receiveLeave(record: LedgerRecord): void {
    const had = this.#table.delete(record);
    if (!had && !this.#maySee(record))
      throw new Error('a key is shown that the client may not see');
  }

  /** Whether its stream lets the record through, or let through one of the key before. */
  #maySee(record: LedgerRecord): boolean {
    const { mayHave } = this.#filter;
    if (mayHave === null || mayHave(record)) return true;
    return this.#place.topic!.partition(record.partition).before(record).some(mayHave);
  }

  /** Losses are told by the gap that is to come. */
  #receiveOfGone(block: Block, id: DecodedCursor, readUpTo: ArrayLike<number> | null): void {
    this.#place.checkGone(id);
    if (!['live', 'place'].includes(block.event) && block.data !== null)
      this.#recordOf(block, id, readUpTo);
    this.#place.follow(id);
  }

  /** The record that a block holds: one of those between the client's place and the id. */
  #recordOf(block: Block, id: DecodedCursor, readUpTo: ArrayLike<number> | null): LedgerRecord {
    const topic = this.#place.topic!;
    const passed = this.#place.recordsBefore(id);
    const same = passed.filter((record) => {
      const expected = this.#expectedOf(record);
      return expected?.event === block.event && expected.data === block.data;
    });
    // Deletes of one key in two partitions look the same, and so do leaves.
    const isLatest = (one: LedgerRecord): boolean => topic.supersededBy(one, readUpTo) === null;
    const record =
      same.find(({ partition, offset: at }) => this.#place.missing(partition, at, at + 1)[0]) ??
      same.find((one) => isLatest(one) && this.#table.has(one)) ??
      same.findLast((one) => isLatest(one) && this.#maySee(one)) ??
      same.findLast(isLatest) ??
      same[0];
    if (record !== undefined) return record;
    const wanted = passed.filter((one) => this.#filter.wants(one));
    const places = wanted.map(({ partition, offset }) => `${partition}/${offset}`).join(' ');
    throw new Error(`a block that is none of those expected now: ${places || 'none'}`);
  }

  /** What it may be told by a record; `null` for nothing. */
  #expectedOf(record: LedgerRecord): Pick<Block, 'event' | 'data'> | null {
    if (this.#filter.wants(record)) return expectedBlock(record, this.#format);
    const mayLeave = this.#filter.losesKeys && this.#place.topic!.everCompacted;
    if (!mayLeave || record.key === null || !this.#filter.mayWantKeyOf(record)) return null;
    return expectedLeave(record, this.#format);
  }

  /** The first block of a stream with `since`. */
  #receiveStart(block: Block, id: DecodedCursor): void {
    if (block.event !== 'message' || block.data !== null) throw new Error('no id-only block first');
    this.#place.beginIn(this.#place.topicOf(id));
    this.#checkStart(id);
    this.#place.follow(id);
  }

  #checkStart(id: DecodedCursor): void {
    const { since, earliest } = this.#stream!;
    const readUpTo = this.#readUpTo();
    for (const [number, offset] of id.offsets) {
      const partition = this.#place.topic!.partition(number);
      const isUnsure = partition.cuts.length > 0 || partition.wasAdded;
      if (isUnsure || this.#ledger.timesMade > 1) continue;
      const first = earliest[number] ?? 0;
      const isExact = since === 'latest' && readUpTo?.[number] !== undefined;
      const latest = isExact ? first : partition.end;
      const last = since === 'latest' ? latest : partition.startOf(since!);
      if (offset < first || offset > partition.end) {
        throw new Error(`start of ${number} is ${offset}, not ${first} to ${last}`);
      }
      this.#place.checkNothingBetween(number, last, offset);
    }
  }

  #receiveLive(block: Block, id: DecodedCursor, now: number): void {
    const stream = this.#stream!;
    if (!this.#tellsLive || block.data !== '{}') throw new Error('a wrong event live');
    if (stream.isLive) throw new Error('event live came twice');
    this.#checkId(id);
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
    stream.isLive = true;
    this.beats.isLive(now);
    if (this.#endsLive) this.#checkEnd(stream);
    if (stream.cameAt === null) return;
    for (const [number, end] of Array.from(this.#readUpTo() ?? []).entries()) {
      if (this.#place.topic!.partition(number).cuts.length > 0) continue;
      this.#place.checkNothingBetween(number, this.#place.next(number), end);
    }
  }

  /** Nothing came for long, and the client is past what its last id says. */
  #receivePlace({ data }: Block, id: DecodedCursor): void {
    if (data !== '{}') throw new Error('a wrong event place');
    this.#checkId(id);
    const isPast = [...id.offsets].some(([number, next]) => next !== this.#place.next(number));
    if (!isPast && (id.time ?? 0) <= (this.#idTime ?? id.time ?? 0)) {
      throw new Error('a place that has not moved');
    }
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
  }

  get #tellsLive(): boolean {
    return this.#format === 'json' || this.#endsLive;
  }

  /** It has what Kafka had when it came, and lacks no key for a later record that it has not. */
  #checkEnd({ ends, wasStale, timesMade, cursor, since, come }: Stream): void {
    const topic = this.#place.topic!;
    if (timesMade !== this.#ledger.timesMade || topic !== this.#ledger.current) return;
    for (const [number, end] of ends.entries()) {
      const partition = topic.partition(number);
      if (partition.cuts.length > 0) continue;
      const next = this.#place.next(number);
      if (!wasStale && next < end) throw new Error(`live at ${number}/${next}, before ${end}`);
      if (!topic.isSteady || !topic.everCompacted || since !== null) continue;
      const from = cursor === null || cursor === 'unreadable' ? 0 : cursor.offsets.get(number);
      for (let offset = Math.max(from ?? 0, partition.start); offset < next; offset++) {
        const record = partition.cells[offset]?.at(-1);
        if (!record || record.isRemoved || come.has(record)) continue;
        if (!this.#filter.wants(record)) continue;
        const by = record.supersededBy;
        if (by !== null && by.offset >= next) {
          throw new Error(`live, and the key of ${number}/${offset} is missing`);
        }
      }
    }
  }

  #parseGap({ data }: Block): Gap {
    const { reason, topic, partitions } = JSON.parse(data!) as Gap;
    const copy = partitions.map(({ partition, from, to }) => ({ partition, from, to }));
    const expected = JSON.stringify({ reason, topic: this.#topicName, partitions: copy });
    if (data !== expected) throw new Error(`a gap that is not ${expected} of topic ${topic}`);
    // The cursor of another topic may name no partition.
    const isEmpty = reason === 'recreated' ? null : reason === 'unreadable-cursor';
    if (isEmpty !== null && isEmpty !== (partitions.length === 0)) {
      throw new Error(`a wrong list of partitions for ${reason}`);
    }
    return { reason, topic, partitions };
  }

  /**
   * A partition that the cursor names and that the topic never had keeps the stream silent. Of an
   * earlier topic of the name a replica may still give what it holds; without ids it is not known of which.
   */
  #checkNothingLacks({ lacking, at, timesMade }: Stream): void {
    const { current, hasIds, timesMade: timesMadeNow } = this.#ledger;
    const isOfCurrent = timesMade === 1 || (hasIds && this.#place.topic === current);
    if (timesMade !== timesMadeNow || !isOfCurrent) return;
    const lost = lacking.find((number) => current!.partition(number).addedAt < at);
    if (lost !== undefined) throw new Error(`the topic has no partition ${lost}: it has to wait`);
  }

  #exists(partition: number): boolean {
    return partition < (this.#ledger.current?.existing ?? 0);
  }

  #receiveGap(gap: Gap, id: DecodedCursor, now: number): void {
    if (gap.reason === 'unreadable-cursor') this.#receiveUnreadable(id);
    else if (gap.reason === 'recreated') this.#receiveRecreated(gap, id, now);
    else if (this.#place.isGone(id)) this.#place.follow(id);
    else if (gap.reason === 'truncated') this.#receiveTruncated(gap, id);
    else if (gap.reason === 'retention') this.#receiveRetention(gap, id);
    else if (gap.reason === 'deletes') this.#receiveDeletes(gap, id, now);
    else if (gap.reason === 'view') this.#receiveView(gap, id, now);
    else throw new Error('a gap of an unknown reason');
  }

  #receiveUnreadable(id: DecodedCursor): void {
    const { cursor, blocks, since } = this.#stream!;
    if (cursor !== 'unreadable' || blocks > 1) throw new Error('the cursor was readable');
    this.#place.beginIn(this.#place.topicOf(id));
    if (since === null) this.#place.checkNothingLost(id);
    else this.#checkStart(id);
    this.#place.follow(id);
  }

  #receiveRecreated({ partitions }: Gap, id: DecodedCursor, now: number): void {
    const topic = this.#place.topicOf(id);
    const { hasIds, timesMade } = this.#ledger;
    const isKnown = hasIds && this.#place.topic !== null;
    const isAnew = isKnown ? this.#place.topic !== topic : timesMade > 1;
    const isBeyond = partitions.some((one) => this.#wasBeyond(topic, one.partition, one.from));
    const isLacking = partitions.some(({ partition }) => this.#wasDeniedTwice(partition, now));
    if (!isAnew && !isLacking && (isKnown || !isBeyond)) {
      throw new Error('the topic was not made anew');
    }
    this.#checkStartsOver(partitions, id);
    this.#place.beginIn(topic);
    this.#table.clear();
    Object.assign(this.#stream!, { cameAt: null, isNew: true, isLive: false });
    this.beats.open();
    if (this.#place.isGone(id)) return;
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
  }

  #checkStartsOver(partitions: Gap['partitions'], id: DecodedCursor): void {
    for (const [number, next] of this.#place.offsets) {
      const told = partitions.find(({ partition }) => partition === number);
      if (told === undefined || told.from < next) throw new Error(`gap lacks ${number}/${next}`);
    }
    for (const { partition, to } of partitions) {
      if (to !== (id.offsets.get(partition) ?? 0)) throw new Error(`gap goes to ${to}`);
    }
  }

  #receiveDeletes(gap: Gap, id: DecodedCursor, now: number): void {
    const topic = this.#place.topicOf(id);
    if (!topic.everCompacted) throw new Error('a gap of deletes where there is no compaction');
    this.#checkMayLackDeletes(topic, now);
    this.#beginAnew(topic, gap, id, now);
  }

  #receiveView(gap: Gap, id: DecodedCursor, now: number): void {
    const topic = this.#place.topicOf(id);
    if (!topic.everCompacted || this.#filter.mayHave === null)
      throw new Error('a gap of a view that hides no key');
    this.#checkMayLackView(topic);
    this.#beginAnew(topic, gap, id, now);
  }

  /** Whoever had all 10 s after its replica began to know is told what left since. */
  #checkMayLackView({ isSteady }: LedgerTopic): void {
    const { cursor, blocks, at } = this.#stream!;
    if (this.knowsSince === null || !isSteady) return;
    const time = cursor === null || cursor === 'unreadable' ? null : cursor.time;
    const from = blocks > 1 ? Math.floor(at / 1000) : (time ?? 0);
    if (from * 1000 >= this.knowsSince + 10_000)
      throw new Error('it is told to start over by a gateway that knows what left');
  }

  #beginAnew(topic: LedgerTopic, { partitions }: Gap, id: DecodedCursor, now: number): void {
    this.#checkStartsOver(partitions, id);
    this.#place.beginIn(topic);
    this.#table.beginAnew();
    Object.assign(this.#stream!, { cameAt: now, isNew: true, isLive: false });
    this.beats.open();
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
  }

  /**
   * It or its replica was away for half of `delete.retention.ms` at the least, the time until it is
   * loaded among it, or it stands below a delete that is gone.
   */
  #checkMayLackDeletes(topic: LedgerTopic, now: number): void {
    const { blocks, cursor } = this.#stream!;
    const time = cursor === null || cursor === 'unreadable' ? null : cursor.time;
    const leftAt = (blocks > 1 ? this.#idTime : time) ?? now / 1000;
    // An id is a quarter old at the most.
    const wasAway = now - leftAt * 1000 >= topic.deleteRetentionMs * (1 / 2 + 1 / 4);
    if (!topic.isSteady || wasAway) return;
    // One whose filter let nothing through has been told no place.
    const isUntold = this.#filter.asked !== null && this.#place.offsets.size === 0;
    const partitions = isUntold ? topic.partitions.keys() : this.#place.offsets.keys();
    for (const number of partitions) {
      for (const record of topic.partition(number).droppedFrom(this.#place.next(number))) {
        if (record.removedAt <= now) return;
      }
    }
    throw new Error('it is told to start over and lacks no delete');
  }

  /** Whether a partition did not exist when the brokers were asked, and still not 10 s later. */
  #wasDeniedTwice(partition: number, now: number): boolean {
    const { at, lacking } = this.#stream!;
    if (!lacking.includes(partition) || now < at + DENIED_AGAIN_MS) return false;
    const { addedAt } = this.#ledger.current!.partition(partition);
    return !this.#exists(partition) || addedAt >= at + DENIED_AGAIN_MS;
  }

  #receiveTruncated({ partitions }: Gap, id: DecodedCursor): void {
    const topic = this.#place.topic ?? this.#place.topicOf(id);
    for (const { partition: number, from, to } of partitions) {
      const next = this.#place.next(number);
      if (from < next) throw new Error(`gap begins at ${from}, the client is at ${next}`);
      if (to >= from) throw new Error('a truncated gap does not go back');
      const { highestEnd } = topic.partition(number);
      if (to > highestEnd || !this.#wasBeyond(topic, number, from, to)) {
        throw new Error(`partition ${number} did not end at ${to}`);
      }
      this.#place.checkNothingBetween(number, next, to);
      this.#place.move(number, to);
    }
    this.#checkId(id);
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
  }

  /** Whether a partition ended before `from`, at `to` or before it, since the client came. */
  #wasBeyond(topic: LedgerTopic, number: number, from: number, to = from): boolean {
    const ends = [...topic.partition(number).cuts, this.#stream!.ends[number] ?? 0];
    return ends.some((end) => end < from && end <= to);
  }

  #receiveRetention({ partitions }: Gap, id: DecodedCursor): void {
    this.#checkId(id);
    const { isNew, blocks, cameAt } = this.#stream!;
    const { isSteady } = this.#place.topic!;
    for (const { partition: number, from, to } of partitions) {
      const partition = this.#place.topic!.partition(number);
      const next = this.#place.next(number);
      this.#place.checkNothingBetween(number, next, from);
      if (from < next || to <= from)
        throw new Error(`a gap from ${from}, the client is at ${next}`);
      if (to > partition.start) throw new Error(`the log starts at ${number}/${partition.start}`);
      // What its replica finds only later may be told to all who are there.
      const wasPassed = isSteady && (this.#readUpTo()?.[number] ?? 0) >= to;
      const wasBefore = partition.deletedAt(to - 1) < (cameAt ?? 0);
      if (isNew && blocks === 1 && wasPassed && wasBefore) {
        throw new Error('a new client is told of what was deleted before it had anything');
      }
      this.#place.move(number, to);
    }
    this.#place.checkNothingLost(id);
    this.#place.follow(id);
  }

  #checkId(id: DecodedCursor): void {
    this.#place.checkId(id, this.#readUpTo()?.length ?? 0);
  }

  /** What the replica had read when the client came; `null` where it may be of another topic. */
  #readUpTo(): ArrayLike<number> | null {
    return this.#ledger.timesMade === 1 ? this.#stream!.readUpTo : null;
  }
}
