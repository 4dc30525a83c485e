import { type DecodedCursor, NO_TOPIC_ID } from './cursor_decoder.ts';
import { expectedBlock } from './expected_block.ts';
import { type Ledger, type LedgerPartition, type LedgerRecord, LedgerTopic } from './ledger.ts';
import type { Block } from './sse_parser.ts';

/** For how long a new client may get records that were deleted from the front, in milliseconds. */
const MAX_STALE_MS = 60_000;

/** What a client asked for when it opened a stream, and what its replica had read by then. */
export interface StreamStart {
  readonly cursor: DecodedCursor | null | 'unreadable';
  readonly since: 'latest' | number | null;
  readonly at: number;
  /** Positions of the replica; `null` where it had not loaded the topic. */
  readonly readUpTo: ArrayLike<number> | null;
}

interface Stream extends StreamStart {
  /** When the client came, or was told to go on as a new one. */
  cameAt: number;
  isNew: boolean;
  blocks: number;
  isLive: boolean;
  /** Where `since` begins at the earliest, by partition. */
  readonly earliest: readonly number[];
  /** The ends when the client came. */
  readonly ends: readonly number[];
}

interface GapData {
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
  #stream: Stream | null = null;
  /** The topic of the client's cursor; `null` while it has none. */
  #topic: LedgerTopic | null = null;
  /** The client's cursor. */
  readonly #next = new Map<number, number>();
  /** Partitions of which the client had something: what is deleted there is a loss to it. */
  readonly #touched = new Set<number>();

  constructor(ledger: Ledger, topicName: string, format: 'text' | 'json') {
    this.#ledger = ledger;
    this.#topicName = topicName;
    this.#format = format;
  }

  /** The client opens a stream. */
  open(start: StreamStart): void {
    const { cursor, since, at } = start;
    const partitions = this.#ledger.current?.partitions ?? [];
    this.#stream = {
      ...start,
      cameAt: at,
      isNew: cursor === null || cursor === 'unreadable',
      blocks: 0,
      isLive: false,
      ends: partitions.map(({ end }) => end),
      earliest: partitions.map((partition, number) =>
        since === 'latest' ? (start.readUpTo?.[number] ?? 0) : offsetOf(partition, since ?? 0),
      ),
    };
    this.#next.clear();
    this.#touched.clear();
    this.#topic = null;
    if (cursor === null || cursor === 'unreadable') return;
    const { topicId, offsets } = cursor;
    // Without id bytes it is of the topic that it is taken for.
    if (topicId !== NO_TOPIC_ID || !this.#ledger.hasIds) {
      this.#topic = this.#ledger.find(topicId) ?? new LedgerTopic(topicId);
    }
    for (const [partition, offset] of offsets) {
      this.#next.set(partition, offset);
      this.#touched.add(partition);
    }
  }

  /**
   * The client got a block with an id.
   * @param readUpTo positions of the replica when it handed the block out
   * @throws when it must not have come, or something is missing before it
   */
  receive(block: Block, id: DecodedCursor, readUpTo: ArrayLike<number> | null): void {
    const stream = this.#stream!;
    const isFirst = stream.blocks++ === 0;
    if (isFirst && stream.cursor === 'unreadable') this.#checkUnreadable(block);
    if (block.event === 'gap') this.#receiveGap(JSON.parse(block.data!), block, id);
    else if (isFirst && stream.isNew && stream.since !== null) this.#receiveStart(block, id);
    else if (this.#isGone(id)) this.#followGone(id);
    else if (block.event === 'live') this.#receiveLive(block, id);
    else this.#receiveRecord(block, id, readUpTo);
  }

  /** What the client lacks still, in words; `null` where it has everything. */
  lacks(): string | null {
    const stream = this.#stream;
    const { current } = this.#ledger;
    if (stream === null || current === undefined) return 'no stream';
    if (stream.blocks === 0 && stream.cursor === 'unreadable') return 'the gap of its cursor';
    if (stream.blocks === 0 && stream.isNew && stream.since !== null) return 'its start';
    if (this.#topic !== null && this.#topic !== current) return 'the gap of a topic made anew';
    for (let number = 0; number < current.existing; number++) {
      const partition = current.partition(number);
      const next = this.#next.get(number) ?? 0;
      if (next > partition.end) return `the gap of an end at ${number}/${partition.end} (${next})`;
      const [lost] = this.#mustCome(partition, number, next, partition.end);
      if (lost !== undefined) return `record ${number}/${lost.offset}`;
    }
    return this.#format === 'json' && !stream.isLive ? 'event live' : null;
  }

  #receiveRecord(block: Block, id: DecodedCursor, readUpTo: ArrayLike<number> | null): void {
    this.#checkId(id);
    const topic = this.#topic!;
    const passed: LedgerRecord[] = [];
    const mustCome: LedgerRecord[] = [];
    for (const [number, to] of id.offsets) {
      const partition = topic.partition(number);
      const from = this.#next.get(number) ?? 0;
      for (let offset = from; offset < to; offset++) {
        for (const record of partition.cells[offset] ?? []) {
          if (record !== null) passed.push(record);
        }
      }
      mustCome.push(...this.#mustCome(partition, number, from, to));
    }
    const same = passed.filter((record) => {
      const expected = expectedBlock(record, this.#format);
      return expected.event === block.event && expected.data === block.data;
    });
    const supersededBy = (one: LedgerRecord): LedgerRecord | null =>
      topic.everCompacted && topic.isSteady
        ? readSuperseder(one, readUpTo?.[one.partition] ?? 0, topic.partition(one.partition).start)
        : null;
    // Deletes of one key in two partitions look the same.
    const record =
      same.find((one) => mustCome.includes(one)) ??
      same.find((one) => supersededBy(one) === null) ??
      same[0];
    if (record === undefined) {
      const places = passed.map(({ partition, offset }) => `${partition}/${offset}`).join(' ');
      throw new Error(`a block that is none of those expected now: ${places || 'none'}`);
    }
    const { partition, offset } = record;
    const isSamePlace = (one: LedgerRecord): boolean =>
      one.partition === partition && one.offset === offset;
    this.#checkNoneLost(mustCome.filter((one) => !isSamePlace(one)));
    const by = supersededBy(record);
    if (by !== null) {
      throw new Error(`record ${partition}/${offset} was superseded by ${by.offset}`);
    }
    const deletedAt = topic.partition(partition).deletedAt(offset);
    const { isNew, cameAt } = this.#stream!;
    if (this.#ledger.hasIds && isNew && deletedAt + MAX_STALE_MS < cameAt) {
      throw new Error(`record ${partition}/${offset} was deleted long before the client came`);
    }
    this.#follow(id);
    this.#touched.add(partition);
  }

  /** The first block of a stream with `since`. */
  #receiveStart(block: Block, id: DecodedCursor): void {
    if (block.event !== 'message' || block.data !== null) throw new Error('no id-only block first');
    this.#topic = this.#topicOf(id);
    this.#checkStart(id);
    this.#follow(id);
  }

  #checkStart(id: DecodedCursor): void {
    const { since, earliest } = this.#stream!;
    const readUpTo = this.#readUpTo();
    const topic = this.#topic!;
    for (const [number, offset] of id.offsets) {
      const partition = topic.partition(number);
      const isUnsure = partition.cuts.length > 0 || partition.wasAdded;
      if (isUnsure || this.#ledger.timesMade > 1) continue;
      const first = earliest[number] ?? 0;
      const isExact = since === 'latest' && readUpTo?.[number] !== undefined;
      const latest = isExact ? first : partition.end;
      const last = since === 'latest' ? latest : offsetOf(partition, since!);
      if (offset < first || offset > partition.end) {
        throw new Error(`start of ${number} is ${offset}, not ${first} to ${last}`);
      }
      this.#checkNoneLost(this.#mustCome(partition, number, last, offset));
    }
  }

  #receiveLive(block: Block, id: DecodedCursor): void {
    const stream = this.#stream!;
    if (this.#format !== 'json' || block.data !== '{}') throw new Error('a wrong event live');
    if (stream.isLive) throw new Error('event live came twice');
    this.#checkId(id);
    this.#checkNothingLostBefore(id);
    this.#follow(id);
    stream.isLive = true;
    if (stream.cameAt !== stream.at) return;
    for (const [number, end] of Array.from(this.#readUpTo() ?? []).entries()) {
      const partition = this.#topic!.partition(number);
      const from = this.#next.get(number) ?? 0;
      const isCut = partition.cuts.length > 0;
      if (!isCut) this.#checkNoneLost(this.#mustCome(partition, number, from, end));
    }
  }

  #receiveGap(gap: GapData, block: Block, id: DecodedCursor): void {
    const { reason, topic, partitions } = gap;
    const copy = partitions.map(({ partition, from, to }) => ({ partition, from, to }));
    const expected = JSON.stringify({ reason, topic: this.#topicName, partitions: copy });
    if (block.data !== expected) throw new Error(`gap is not ${expected} of topic ${topic}`);
    if (reason === 'unreadable-cursor') {
      this.#topic = this.#topicOf(id);
      if (this.#stream!.since === null) this.#checkNothingLostBefore(id);
      else this.#checkStart(id);
      this.#follow(id);
    } else if (reason === 'recreated') {
      this.#receiveRecreated(gap, id);
    } else if (this.#isGone(id)) {
      for (const [partition, offset] of id.offsets) this.#next.set(partition, offset);
    } else if (reason === 'truncated') {
      this.#receiveTruncated(gap, id);
    } else if (reason === 'retention') {
      this.#receiveRetention(gap, id);
    } else {
      throw new Error('a gap of an unknown reason');
    }
  }

  #checkUnreadable(block: Block): void {
    const gap = block.event === 'gap' ? (JSON.parse(block.data!) as GapData) : null;
    if (gap?.reason !== 'unreadable-cursor' || gap.partitions.length > 0) {
      throw new Error('the cursor was unreadable and the client is not told');
    }
  }

  #receiveRecreated({ partitions }: GapData, id: DecodedCursor): void {
    const stream = this.#stream!;
    const topic = this.#topicOf(id);
    const { hasIds, timesMade } = this.#ledger;
    const isKnown = hasIds && this.#topic !== null;
    const isAnew = isKnown ? this.#topic !== topic : timesMade > 1;
    const isBeyond = partitions.some(({ partition, from }) =>
      this.#wasBeyond(topic, partition, from),
    );
    if (!isAnew && (isKnown || !isBeyond)) throw new Error('the topic was not made anew');
    for (const [number, next] of this.#next) {
      const told = partitions.find(({ partition }) => partition === number);
      if (told === undefined || told.from < next) throw new Error(`gap lacks ${number}/${next}`);
    }
    for (const { partition, to } of partitions) {
      if (to !== (id.offsets.get(partition) ?? 0)) throw new Error(`gap goes to ${to}`);
    }
    this.#topic = topic;
    this.#next.clear();
    this.#touched.clear();
    Object.assign(stream, { cameAt: -Infinity, isNew: true, isLive: false });
    if (this.#isGone(id)) return;
    this.#checkNothingLostBefore(id);
    this.#follow(id);
  }

  #receiveTruncated({ partitions }: GapData, id: DecodedCursor): void {
    this.#topic ??= this.#topicOf(id);
    const topic = this.#topic;
    for (const { partition: number, from, to } of partitions) {
      const partition = topic.partition(number);
      const next = this.#next.get(number) ?? 0;
      if (from < next) throw new Error(`gap begins at ${from}, the client is at ${next}`);
      if (to >= from) throw new Error('a truncated gap does not go back');
      if (to > partition.highestEnd || !this.#wasBeyond(topic, number, from, to)) {
        throw new Error(`partition ${number} did not end at ${to}`);
      }
      this.#checkNoneLost(this.#mustCome(partition, number, next, to));
      this.#next.set(number, to);
    }
    if (partitions.length === 0) throw new Error('a gap of no partition');
    this.#checkId(id);
    this.#checkNothingLostBefore(id);
    this.#follow(id);
  }

  /** Whether a partition ended before `from`, at `to` or before it, since the client came. */
  #wasBeyond(topic: LedgerTopic, number: number, from: number, to = from): boolean {
    const ends = [...topic.partition(number).cuts, this.#stream!.ends[number] ?? 0];
    return ends.some((end) => end < from && end <= to);
  }

  #receiveRetention({ partitions }: GapData, id: DecodedCursor): void {
    const { isNew, blocks, cameAt } = this.#stream!;
    const readUpTo = this.#readUpTo();
    this.#checkId(id);
    for (const { partition: number, from, to } of partitions) {
      const partition = this.#topic!.partition(number);
      const next = this.#next.get(number) ?? 0;
      this.#checkNoneLost(this.#mustCome(partition, number, next, from));
      if (from < next || to <= from)
        throw new Error(`a gap that is none: the client is at ${next}`);
      if (to > partition.start) throw new Error(`the log starts at ${number}/${partition.start}`);
      // What its replica finds only later may be told to all who are there.
      const wasPassed = this.#topic!.isSteady && (readUpTo?.[number] ?? 0) >= to;
      if (isNew && blocks === 1 && wasPassed && partition.deletedAt(to - 1) < cameAt) {
        throw new Error('a new client is told of what was deleted before it had anything');
      }
      this.#next.set(number, to);
      this.#touched.add(number);
    }
    if (partitions.length === 0) throw new Error('a gap of no partition');
    this.#checkNothingLostBefore(id);
    this.#follow(id);
  }

  /** The id names what it must name, and goes back nowhere. */
  #checkId(id: DecodedCursor): void {
    const topic = this.#topicOf(id);
    this.#topic ??= topic;
    if (this.#topic !== topic)
      throw new Error('the topic was made anew and the client is not told');
    for (const [partition, next] of this.#next) {
      const offset = id.offsets.get(partition);
      if (offset === undefined) throw new Error(`the id does not name partition ${partition}`);
      if (offset < next) throw new Error(`the id goes back from ${partition}/${next} to ${offset}`);
    }
    for (let partition = this.#readUpTo()?.length ?? 0; partition-- > 0; ) {
      if (!id.offsets.has(partition))
        throw new Error(`the id does not name partition ${partition}`);
    }
    for (const [number, offset] of id.offsets) {
      const { highestEnd } = topic.partition(number);
      if (offset > highestEnd)
        throw new Error(`the id lies beyond the end ${number}/${highestEnd}`);
    }
  }

  /** What the replica had read when the client came; `null` where it may be of another topic. */
  #readUpTo(): ArrayLike<number> | null {
    return this.#ledger.timesMade === 1 ? this.#stream!.readUpTo : null;
  }

  #checkNothingLostBefore(id: DecodedCursor): void {
    for (const [number, to] of id.offsets) {
      const from = this.#next.get(number) ?? 0;
      this.#checkNoneLost(this.#mustCome(this.#topic!.partition(number), number, from, to));
    }
  }

  #checkNoneLost(lost: readonly LedgerRecord[]): void {
    if (lost.length === 0) return;
    const places = lost.map(({ partition, offset }) => `${partition}/${offset}`).join(' ');
    throw new Error(`the id is past records that did not come: ${places}`);
  }

  /** Those in a range of offsets that the client cannot do without. */
  #mustCome(partition: LedgerPartition, number: number, from: number, to: number): LedgerRecord[] {
    // To a client that had nothing of a partition, what was deleted there is no loss.
    // Where topics have no ids, the log start may have been asked of one that was made anew.
    const { hasIds, timesMade } = this.#ledger;
    const isTold = this.#touched.has(number) && (hasIds || timesMade === 1);
    const first = isTold ? from : Math.max(from, partition.start);
    const records: LedgerRecord[] = [];
    for (let offset = first; offset < to; offset++) {
      const versions = partition.cells[offset] ?? [];
      const record = versions.at(-1);
      if (record && versions.every((one) => one !== null && !this.#mayBeLeftOut(one, partition))) {
        records.push(record);
      }
    }
    return records;
  }

  /**
   * Only of a compacted topic: what is superseded, and deletes that Kafka has dropped. Where the log
   * was cut a gateway that has not noticed takes one record for another.
   */
  #mayBeLeftOut(record: LedgerRecord, partition: LedgerPartition): boolean {
    const { everCompacted } = this.#topic ?? this.#ledger.current!;
    if (!everCompacted) return false;
    const isDropped = record.value === null && record.offset < partition.start;
    return record.supersededBy !== null || record.isRemoved || record.isCut || isDropped;
  }

  #follow(id: DecodedCursor): void {
    for (const [partition, offset] of id.offsets) this.#next.set(partition, offset);
  }

  /**
   * Whether the client's topic was deleted and another made. Until it is told, only its id can be
   * checked: readers go by the name, and what they bring may be of either topic.
   */
  #isGone(id: DecodedCursor): boolean {
    return this.#ledger.hasIds && (this.#topic ?? this.#topicOf(id)) !== this.#ledger.current;
  }

  #followGone(id: DecodedCursor): void {
    this.#topic ??= this.#topicOf(id);
    if (id.topicId !== this.#topic.topicId) {
      throw new Error('the topic was made anew and the client is not told');
    }
    for (const [partition, next] of this.#next) {
      if ((id.offsets.get(partition) ?? -1) < next)
        throw new Error(`the id goes back from ${next}`);
    }
    this.#follow(id);
  }

  #topicOf(id: DecodedCursor): LedgerTopic {
    const topic = this.#ledger.find(id.topicId);
    if (topic === undefined) throw new Error(`the id is of an unknown topic ${id.topicId}`);
    return topic;
  }
}

/**
 * A later record of the key that a replica at `readUpTo` must have read. Those that compaction took
 * away or that were deleted from the front may have been gone before it came to them.
 */
function readSuperseder(
  record: LedgerRecord,
  readUpTo: number,
  start: number,
): LedgerRecord | null {
  let by = record.supersededBy;
  while (by !== null && (by.isRemoved || by.offset < start)) by = by.supersededBy;
  return by !== null && by.offset < readUpTo ? by : null;
}

/** The first record of a time or a later one that can be read, else the end. */
function offsetOf(partition: LedgerPartition, time: number): number {
  for (let offset = partition.start; offset < partition.end; offset++) {
    const record = partition.cells[offset]?.at(-1);
    if (record && !record.isRemoved && record.timestamp >= time) return offset;
  }
  return partition.end;
}
