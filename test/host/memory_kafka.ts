import { Buffer } from 'node:buffer';
import type { KafkaRecord } from '../../app/ports/source.ts';
import { Changes } from '../model/changes.ts';
import { LedgerPartition } from '../model/ledger.ts';
import { SimulatedPartition } from '../model/simulated_kafka.ts';

/** Settings of a topic by name, such as `cleanup.policy`. */
export type Configs = Readonly<Record<string, string>>;

const DELETE_RETENTION_MS = '86400000';

/** A topic as long as it exists under one id. */
export class MemoryTopic {
  readonly name: string;
  /** The first four bytes of its id. */
  readonly id: Uint8Array;
  readonly partitions: SimulatedPartition[] = [];
  readonly #configs = new Map<string, string>();

  constructor(name: string, id: string, partitions: number, configs: Configs) {
    this.name = name;
    this.id = Uint8Array.from(Buffer.from(id, 'hex'));
    this.configure(configs);
    this.addPartitions(partitions);
  }

  /** @param count of all partitions, those that are there included */
  addPartitions(count: number): void {
    while (this.partitions.length < count) {
      this.partitions.push(new SimulatedPartition(new LedgerPartition()));
    }
  }

  configure(configs: Configs): void {
    for (const [name, value] of Object.entries(configs)) this.#configs.set(name, value);
  }

  get compacted(): boolean {
    return this.#policies.includes('compact');
  }

  get deletes(): boolean {
    return this.#policies.includes('delete');
  }

  get deleteRetentionMs(): number {
    return Number(this.#configs.get('delete.retention.ms') ?? DELETE_RETENTION_MS);
  }

  get #policies(): string[] {
    return (this.#configs.get('cleanup.policy') ?? 'delete').split(',');
  }
}

/** The topics of a Kafka that lives in the memory of one process. */
export class MemoryKafka {
  readonly #topics = new Map<string, MemoryTopic>();
  readonly #changes = new Changes();

  topic(name: string): MemoryTopic | undefined {
    return this.#topics.get(name);
  }

  /** @throws where the topic does not exist. */
  existing(name: string): MemoryTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new Error(`no topic ${name}`);
    return topic;
  }

  create(name: string, id: string, partitions: number, configs: Configs): void {
    this.#topics.set(name, new MemoryTopic(name, id, partitions, configs));
    this.#changed();
  }

  delete(name: string): void {
    this.#topics.delete(name);
    this.#changed();
  }

  addPartitions(name: string, count: number): void {
    this.existing(name).addPartitions(count);
    this.#changed();
  }

  /** @param isOpen whether it is of a transaction that has not ended */
  produce(name: string, records: readonly Omit<KafkaRecord, 'offset'>[], isOpen: boolean): void {
    const { partitions } = this.existing(name);
    for (const record of records) {
      const partition = partitions[record.partition]!;
      partition.append({ ...record, offset: partition.end }, isOpen);
    }
    this.#changed();
  }

  /** Ends what is open in the partitions, each with a marker. */
  endTransaction(name: string, numbers: readonly number[], isCommitted: boolean): void {
    const { partitions } = this.existing(name);
    for (const number of numbers) partitions[number]!.endTransaction(isCommitted);
    this.#changed();
  }

  deleteBefore(name: string, partition: number, offset: number): void {
    this.existing(name).partitions[partition]!.deleteBefore(offset, Date.now());
    this.#changed();
  }

  /** Ends with the next change, or when the signal aborts. */
  nextChange(signal: AbortSignal): Promise<void> {
    return this.#changes.next(signal);
  }

  #changed(): void {
    this.#changes.changed();
  }
}
