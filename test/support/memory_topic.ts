import { Traffic } from '../../app/counts/traffic.ts';
import { HistoryPool } from '../../app/history/history_pool.ts';
import { ReaderSlots } from '../../app/history/reader_slots.ts';
import { Scans } from '../../app/history/scans.ts';
import { Facts } from '../../app/log/facts.ts';
import type { IdClock } from '../../app/log/id_clock.ts';
import { KeyIndex } from '../../app/log/key_index.ts';
import { Log } from '../../app/log/log.ts';
import type {
  Batch,
  KafkaRecord,
  Offsets,
  RecordSource,
  TopicDescription,
} from '../../app/ports/source.ts';
import { PageWriter } from '../../app/stretches/page_writer.ts';
import { SharedPages } from '../../app/stretches/shared_pages.ts';
import { Sleepers } from '../../app/stretches/sleepers.ts';
import type { Topic, TopicClient, TopicState } from '../../app/stretches/topic.ts';
import { Turns } from '../../app/stretches/turns.ts';

const encoder = new TextEncoder();

/** What a topic is made with. */
interface TopicOptions {
  readonly partitions?: number;
  readonly compacted?: boolean;
  readonly maxBytes?: number;
  /** So many changes of what streams let through are kept. */
  readonly maxChanges?: number;
  /** So many are read back at once. */
  readonly batchRecords?: number;
  /** Gives ids their time. */
  readonly clock?: IdClock | null;
  readonly topic?: string;
  readonly topicId?: Uint8Array;
}

/** A topic in memory, as its clients see it, of which a test answers the questions. */
export class MemoryTopic implements Topic {
  readonly topic: string;
  readonly topicId: Uint8Array;
  readonly description: TopicDescription;
  readonly page: PageWriter = new PageWriter();
  readonly pages: SharedPages = new SharedPages();
  readonly turns: Turns = new Turns();
  readonly facts: Facts = new Facts(this.turns);
  readonly traffic: Traffic = new Traffic();
  readonly deniedAgainMs = 1;
  readonly clients: Set<TopicClient> = new Set();
  readonly sleepers: Sleepers = new Sleepers();
  readonly idClock: IdClock | null;
  readonly log: Log;
  readonly history: HistoryPool;
  readonly scans: Scans;
  isLoaded = true;
  staleBlock: Uint8Array | null = null;
  starts: Float64Array;
  readonly ends = new Map<number, number>();
  /** Of times, in the order in which they were asked for; `null` is the topic's state. */
  readonly asked: (number | null)[] = [];
  /** Below it nothing can be read back, by partition. */
  readonly deletedBelow = new Map<number, number>();
  /** Where each reading back began, by partition. */
  readonly readsFrom: number[][] = [];
  readonly #records: KafkaRecord[] = [];
  readonly #batchRecords: number;
  readonly #maxChanges: number | undefined;
  #answer: ((answer: never) => void) | null = null;

  constructor({
    partitions = 1,
    compacted = false,
    maxBytes = 2 ** 20,
    maxChanges,
    batchRecords = Number.POSITIVE_INFINITY,
    clock = null,
    topic = 'events',
    topicId = Uint8Array.of(1, 2, 3, 4),
  }: TopicOptions = {}) {
    this.topic = topic;
    this.topicId = topicId;
    this.idClock = clock;
    this.#batchRecords = batchRecords;
    this.#maxChanges = maxChanges;
    const policy = { compacted, deletes: !compacted, deleteRetentionMs: null };
    this.description = { name: this.topic, id: this.topicId, partitions, ...policy };
    this.starts = new Float64Array(partitions);
    this.log = this.newLog(maxBytes);
    this.history = new HistoryPool({
      source: this as unknown as RecordSource,
      topic: this.description,
      maxBytes,
      traffic: this.traffic,
      log: this.log,
      slots: new ReaderSlots(2),
    });
    this.scans = new Scans(this.log, this.history, this.turns, this.traffic.filterRecords);
  }

  newLog(maxBytes: number = 2 ** 20): Log {
    const { topic, topicId, starts } = this;
    const keys = this.description.compacted ? new KeyIndex() : null;
    const clock = this.idClock;
    const maxChanges = this.#maxChanges;
    return new Log({ topic, topicId, start: starts.slice(), maxBytes, keys, clock, maxChanges });
  }

  get id(): Uint8Array | undefined {
    return this.isLoaded ? this.topicId : undefined;
  }

  get loadedLog(): Log | null {
    return this.isLoaded ? this.log : null;
  }

  /** A record that Kafka holds and the log has read. */
  append(value: string | null, partition = 0, key: string | null = null): void {
    const offset = this.log.positions[partition]!;
    const record = {
      partition,
      offset,
      timestamp: -1,
      key: key === null ? null : encoder.encode(key),
      value: value === null ? null : encoder.encode(value),
      headers: [],
    };
    this.#records.push(record);
    this.ends.set(partition, offset + 1);
    this.log.append(
      { records: [record], positions: new Map([[partition, offset + 1]]) },
      new Map(),
    );
  }

  /** Kafka's cleaner takes a record away. */
  drop(partition: number, offset: number): void {
    const at = this.#records.findIndex(
      (one) => one.partition === partition && one.offset === offset,
    );
    this.#records.splice(at, 1);
  }

  /** Nothing that shows lies below: the trace of a transaction. */
  pass(partition: number, to: number): void {
    this.log.append({ records: [], positions: new Map([[partition, to]]) }, new Map());
  }

  /** Records up to here were deleted before the log could read them. */
  lose(partition: number, to: number): void {
    this.log.append(
      { records: [], positions: new Map([[partition, to]]) },
      new Map([[partition, to]]),
    );
  }

  askState(_: Log, use: (state: TopicState | null) => void): () => void {
    return this.#ask(null, use);
  }

  askOffsets(_: Log, time: number, use: (offsets: Offsets | null) => void): () => void {
    return this.#ask(time, use);
  }

  /** Whether somebody still waits for the answer to what was asked last. */
  get isAsked(): boolean {
    return this.#answer !== null;
  }

  answer(answer: TopicState | Offsets | null): void {
    this.#answer!(answer as never);
  }

  /** The state that it has. */
  get state(): TopicState {
    const { description, ends } = this;
    return { description, ends, starts: new Map(this.starts.entries()) };
  }

  async *read(_: unknown, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    this.readsFrom.push([...from.values()]);
    const records = this.#records.filter(
      ({ partition, offset }) =>
        offset >= Math.max(from.get(partition)!, this.deletedBelow.get(partition) ?? 0),
    );
    const positions = new Map(from);
    while (records.length > this.#batchRecords) {
      const batch = records.splice(0, this.#batchRecords);
      for (const { partition, offset } of batch) positions.set(partition, offset + 1);
      yield { records: batch, positions: new Map(positions) };
      if (signal.aborted) return;
    }
    const next = (partition: number): number => this.log.positions[partition]!;
    yield { records, positions: new Map([...from.keys()].map((p) => [p, next(p)])) };
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
  }

  offsets(): Promise<Offsets> {
    return Promise.resolve(this.deletedBelow);
  }

  #ask<T>(what: number | null, use: (answer: T) => void): () => void {
    this.asked.push(what);
    this.#answer = use;
    return () => {
      this.#answer = null;
    };
  }
}
