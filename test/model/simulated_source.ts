import type {
  Batch,
  BrokerStatus,
  KafkaRecord,
  OffsetSpec,
  Offsets,
  RecordSource,
  TopicDescription,
  TopicIdentity,
  TopicQuestions,
} from '../../app/ports/source.ts';
import type { Random } from './random.ts';
import type { SimulatedKafka, SimulatedPartition } from './simulated_kafka.ts';
import type { VirtualClock } from './virtual_clock.ts';

/** How one replica reaches Kafka. Times in milliseconds, the longest of a random range. */
export interface SourceOptions {
  /** Of a question: half before Kafka looks, half before the answer arrives. */
  readonly latencyMs: number;
  /** From a fetch to its batch. */
  readonly lagMs: number;
  readonly batchRecords: number;
  /** Whether it learns the topic's id. */
  readonly seesIds: boolean;
}

/** So long after faults a gateway may still be behind, or not know that it is not. */
const AFTERMATH_MS = 12_000;

/** What the native client does, traps included: see the comments. */
export class SimulatedSource implements RecordSource {
  readonly forClients: TopicQuestions = this;
  /** Part of the questions and reads that fail. */
  failing = 0;
  /** While set, nothing is answered and nothing is read. */
  isDown = false;
  /** While set, nothing is read. */
  isStuck = false;
  /** While set, nothing makes it slow. */
  isCalm = false;
  /** Reads that were begun and have not been let go of. */
  openReads = 0;
  /** Reads that went on at once, at their most. */
  mostReads = 0;
  readonly #kafka: SimulatedKafka;
  readonly #clock: VirtualClock;
  readonly #random: Random;
  readonly #options: SourceOptions;
  #goingOn = 0;
  #recoveredAt = Number.NEGATIVE_INFINITY;

  constructor(kafka: SimulatedKafka, clock: VirtualClock, random: Random, options: SourceOptions) {
    this.#kafka = kafka;
    this.#clock = clock;
    this.#random = random;
    this.#options = options;
  }

  /** Its faults end. */
  recover(): void {
    if (this.isInTrouble) this.#recoveredAt = this.#clock.now;
    this.isDown = false;
    this.isStuck = false;
    this.failing = 0;
  }

  /** Whether nothing keeps or kept it lately from what Kafka has, and it is quick. */
  get isWell(): boolean {
    const { lagMs, batchRecords } = this.#options;
    if (lagMs > 10 || batchRecords < 30) return false;
    const hasRecovered = this.#clock.now - this.#recoveredAt > AFTERMATH_MS;
    return this.#kafka.topic !== null && !this.isInTrouble && hasRecovered;
  }

  get isInTrouble(): boolean {
    return this.isDown || this.isStuck || this.failing > 0;
  }

  describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    return this.#ask(signal, () => {
      const found = this.#kafka.topic;
      if (found === null) return null;
      const { id, partitions, compacted, deletes, deleteRetentionMs } = found;
      return {
        name: topic,
        id: this.#options.seesIds ? id : new Uint8Array(4),
        partitions: partitions.length,
        compacted,
        deletes,
        deleteRetentionMs: compacted ? deleteRetentionMs : null,
      };
    });
  }

  offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    return this.#ask(signal, () => {
      const found = new Map<number, number>();
      for (const number of partitions) {
        const partition = this.#kafka.topic?.partitions[number];
        if (partition === undefined) throw new Error(`no partition ${number} of ${topic}`);
        const offset = offsetOf(partition, at);
        if (offset !== null) found.set(number, offset);
      }
      return found;
    });
  }

  async *read(topic: TopicIdentity, from: Offsets, signal: AbortSignal): AsyncGenerator<Batch> {
    const positions = new Map(from);
    this.openReads++;
    this.mostReads = Math.max(this.mostReads, ++this.#goingOn);
    let isGoingOn = true;
    const end = (): void => {
      if (isGoingOn) this.#goingOn--;
      isGoingOn = false;
    };
    signal.addEventListener('abort', end, { once: true });
    try {
      while (!signal.aborted) {
        if (!(await this.#passes(this.#options.latencyMs, signal))) return;
        if (this.#random.chance(this.failing)) throw new Error('simulated: the read failed');
        const batch = this.isDown || this.isStuck ? null : this.#fetch(positions);
        if (batch === null) {
          await this.#kafka.nextChange(signal);
          continue;
        }
        if (this.#isMadeAnew(topic)) throw new Error('simulated: topic made anew');
        // What was fetched waits in the client's queue, whatever happens to the log meanwhile.
        if (!(await this.#passes(this.#options.lagMs, signal))) return;
        yield batch;
      }
    } finally {
      signal.removeEventListener('abort', end);
      end();
      await this.#passes(500, new AbortController().signal);
      this.openReads--;
    }
  }

  status(): BrokerStatus {
    return { up: !this.isDown, error: null };
  }

  async close(): Promise<void> {}

  async #ask<T>(signal: AbortSignal, answer: () => T): Promise<T> {
    await this.#clock.delay(this.#range(this.#options.latencyMs / 2), signal);
    while (this.isDown) await this.#clock.delay(1000, signal);
    if (this.#random.chance(this.failing)) throw new Error('simulated: no answer');
    const result = answer();
    await this.#clock.delay(this.#range(this.#options.latencyMs / 2), signal);
    return result;
  }

  #isMadeAnew({ id }: TopicIdentity): boolean {
    return this.#options.seesIds && String(this.#kafka.topic?.id) !== String(id);
  }

  /** Moves the positions on. `null` where nothing moved. */
  #fetch(positions: Map<number, number>): Batch | null {
    const runs: KafkaRecord[][] = [];
    const moved = new Map<number, number>();
    let left = this.#random.between(1, this.#options.batchRecords);
    for (const number of this.#shuffled([...positions.keys()])) {
      const partition = this.#kafka.topic?.partitions[number];
      if (partition === undefined || left === 0) continue;
      const before = positions.get(number)!;
      const run: KafkaRecord[] = [];
      const next = this.#fetchPartition(partition, before, left, run);
      if (next === before) continue;
      left -= run.length;
      runs.push(run);
      moved.set(number, next);
      positions.set(number, next);
    }
    return moved.size === 0 ? null : { records: this.#merged(runs), positions: moved };
  }

  #fetchPartition(
    partition: SimulatedPartition,
    position: number,
    limit: number,
    into: KafkaRecord[],
  ): number {
    // Out of range, below and above, goes on at the log start without a word.
    let next = position < partition.start || position > partition.end ? partition.start : position;
    let at = partition.indexOf(next);
    for (; at < partition.entries.length && into.length < limit; at++) {
      const { offset, record } = partition.entries[at]!;
      if (offset >= partition.stableEnd) break;
      if (record === null) continue;
      into.push(record);
      next = offset + 1;
    }
    // A hole behind the last record is told now, or with the next fetch.
    const isLast = at >= partition.entries.length || into.length < limit;
    if (isLast && (into.length === 0 || this.#random.chance(0.7))) {
      next = Math.max(next, partition.stableEnd);
    }
    return next;
  }

  /** Partitions mixed at random, each in its order. */
  #merged(runs: readonly KafkaRecord[][]): KafkaRecord[] {
    const records: KafkaRecord[] = [];
    const left = runs.filter((run) => run.length > 0).map((run) => ({ run, at: 0 }));
    while (left.length > 0) {
      const one = this.#random.pick(left);
      for (let count = this.#random.between(1, 4); count > 0 && one.at < one.run.length; count--) {
        records.push(one.run[one.at++]!);
      }
      if (one.at === one.run.length) left.splice(left.indexOf(one), 1);
    }
    return records;
  }

  #shuffled(numbers: number[]): number[] {
    for (let i = numbers.length - 1; i > 0; i--) {
      const j = this.#random.between(0, i);
      [numbers[i], numbers[j]] = [numbers[j]!, numbers[i]!];
    }
    return numbers;
  }

  /** @returns false when the signal aborts first */
  #passes(milliseconds: number, signal: AbortSignal): Promise<boolean> {
    return this.#clock.delay(this.#range(milliseconds), signal).then(
      () => true,
      () => false,
    );
  }

  #range(milliseconds: number): number {
    return this.#random.next() * (this.isCalm ? Math.min(milliseconds, 10) : milliseconds);
  }
}

function offsetOf(partition: SimulatedPartition, at: OffsetSpec): number | null {
  if (at === 'earliest') return partition.start;
  if (at === 'latest') return partition.stableEnd;
  const offset = partition.offsetOf(at);
  return offset === partition.stableEnd ? null : offset;
}
