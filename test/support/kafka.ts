import { Buffer } from 'node:buffer';
import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { runInThisContext } from 'node:vm';
import { afterAll } from '@jest/globals';
import type {
  BaseOptions,
  FetchIsolationLevelValue,
  Producer as KafkaProducer,
  SendOptions,
} from '@platformatic/kafka';
import { CLIENT_ID } from '../../runtime/kafka/brokers/kafka_connection.ts';
import { Admin, ConfigResourceTypes } from '../../runtime/kafka/protocol/platformatic_on_node20.ts';
import { eventually, within } from './deadline.ts';
import { newName } from './new_name.ts';
import { run } from './program.ts';
import { cursorText, type Offsets } from './wire_format.ts';

// After the file above, which supplies what it lacks on Node 20.
const {
  FetchIsolationLevels,
  IncrementalAlterConfigOperationTypes,
  ListOffsetTimestamps,
  ProduceAcks,
  Producer,
} = await import('@platformatic/kafka');
const { READ_COMMITTED, READ_UNCOMMITTED } = FetchIsolationLevels;

const TRANSACTION_MS = 60_000;
const NO_ID = '00000000';

export interface TopicOptions {
  /** Default: one that no other topic has. */
  readonly name?: string;
  readonly partitions?: number;
  readonly replicas?: number;
  /** Whether `cleanup.policy` is `compact`. */
  readonly compacted?: boolean;
  readonly configs?: Configs;
}

/** Settings of a topic by name, such as `segment.ms`. */
export type Configs = Readonly<Record<string, string>>;

/** A record to write; what is left out is null, the partition 0. */
export interface NewRecord {
  readonly key?: string | Uint8Array | null;
  readonly value?: string | Uint8Array | null;
  /** Names may repeat. */
  readonly headers?: Iterable<readonly [name: string, value: string | Uint8Array | null]>;
  readonly partition?: number;
  /** Unix milliseconds; default: now. */
  readonly timestamp?: number;
}

/** Records that nobody may see before they are committed. */
export interface Transaction {
  produce(...records: readonly NewRecord[]): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
}

/** A topic, and the way to write to it: null is not empty, and bytes are what they are. */
export interface Topic {
  readonly name: string;
  /** The first four bytes of its id, in hex. */
  readonly id: string;
  produce(...records: readonly NewRecord[]): Promise<void>;
  /** Writes in a transaction, which stays open. */
  begin(...records: readonly NewRecord[]): Promise<Transaction>;
  /** Deletes all records of a partition below an offset; `cleanup.policy` must contain `delete`. */
  deleteBefore(offset: number, partition?: number): Promise<void>;
  /** Changes settings of the topic. */
  configure(configs: Configs): Promise<void>;
  /** @param count of all partitions, those that are there included */
  addPartitions(count: number): Promise<void>;
  /** The cursor with these next offsets. */
  cursor(...offsets: number[]): string;
  cursorOf(offsets: Offsets): string;
}

/** Of a producer, or of its transaction. */
type Send = (options: SendOptions<Buffer, Buffer, Buffer, Buffer>) => Promise<unknown>;

/** Topics of one Kafka. */
export class TestKafka implements AsyncDisposable {
  readonly brokers: string;
  readonly #admin: InstanceType<typeof Admin>;
  readonly #options: BaseOptions;
  readonly #producer: KafkaProducer;
  /** Producers of transactions that have ended, for the next ones. */
  readonly #idle: KafkaProducer[] = [];
  /** How many transactions are open, by topic. */
  readonly #open = new Map<string, number>();

  /** @param requestTimeout in milliseconds; default: the client's own */
  constructor(brokers: string, requestTimeout?: number) {
    this.brokers = brokers;
    this.#options = {
      clientId: 'sse-kafka-test',
      bootstrapBrokers: brokers.split(','),
      retries: 30,
      retryDelay: 100,
      ...(requestTimeout === undefined ? {} : { requestTimeout }),
    };
    this.#admin = new Admin(this.#options);
    this.#producer = new Producer(this.#options);
  }

  async createTopic(options: TopicOptions = {}): Promise<Topic> {
    const { name = newName(), partitions = 1, replicas = 1, compacted = false } = options;
    const all = { 'cleanup.policy': compacted ? 'compact' : 'delete', ...options.configs };
    const configs = Object.entries(all).map(([config, value]) => ({ name: config, value }));
    const created = await within(
      `topic ${name} to be created`,
      this.#admin.createTopics({ topics: [name], partitions, replicas, configs }),
    );
    await this.#untilKnown(name, partitions, created[0]!.id);
    // Brokers before 2.8 give none.
    const id = (created[0]!.id ?? NO_ID).replaceAll('-', '').slice(0, 8);
    const cursorOf = (offsets: Offsets): string => cursorText(id, offsets);
    return {
      name,
      id,
      produce: (...records) =>
        this.#produce((options) => this.#producer.send(options), name, records),
      begin: (...records) => this.#begin(name, records),
      deleteBefore: (offset, partition = 0) => this.#deleteBefore(name, offset, partition),
      configure: (changes) => this.#configure(name, changes),
      addPartitions: (count) => this.#addPartitions(name, count, created[0]!.id),
      cursor: (...offsets) => cursorOf(offsets),
      cursorOf,
    };
  }

  /** The port of the broker that leads a partition; `null` while none does. */
  async leaderPort(topic: string, partition = 0): Promise<number | null> {
    try {
      const options = { topics: [topic], forceUpdate: true };
      const { brokers, topics } = await this.#admin.metadata(options);
      const leader = topics.get(topic)?.partitions[partition]?.leader;
      return brokers.get(leader ?? -1)?.port ?? null;
    } catch {
      return null;
    }
  }

  /** Deletes a topic, if there is one of that name. */
  async deleteTopic(name: string): Promise<void> {
    const names = await within('the list of topics', this.#admin.listTopics());
    if (!names.includes(name)) return;
    await within(`topic ${name} to be deleted`, this.#admin.deleteTopics({ topics: [name] }));
  }

  /** How many bytes a second the gateway may read; `null` for any number. Not for a shared Kafka. */
  async limitReading(bytes: number | null): Promise<void> {
    const key = 'consumer_byte_rate' as const;
    const op =
      bytes === null
        ? ({ key, remove: true } as const)
        : { key, value: bytes, remove: false as const };
    const entities = [{ entityType: 'client-id', entityName: CLIENT_ID } as const];
    await within('a quota', this.#admin.alterClientQuotas({ entries: [{ entities, ops: [op] }] }));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await within(
      'the Kafka clients to close',
      Promise.all([this.#producer, ...this.#idle, this.#admin].map((client) => client.close())),
    );
  }

  async #begin(topic: string, records: readonly NewRecord[]): Promise<Transaction> {
    const options = {
      ...this.#options,
      idempotent: true,
      transactionalId: randomUUID(),
      // Of a transaction, too: by default the broker aborts one that is 5 s old.
      timeout: TRANSACTION_MS,
    };
    const producer: KafkaProducer = this.#idle.pop() ?? new Producer(options);
    const begun = await within(`a transaction on ${topic}`, producer.beginTransaction());
    const partitions = new Set<number>();
    const produce = async (...more: readonly NewRecord[]): Promise<void> => {
      for (const { partition = 0 } of more) partitions.add(partition);
      await this.#produce((options) => begun.send(options), topic, more);
    };
    await produce(...records);
    this.#open.set(topic, (this.#open.get(topic) ?? 0) + 1);
    const end = async (ended: () => Promise<void>): Promise<void> => {
      const endsNow = (isolation: FetchIsolationLevelValue): Promise<string> =>
        this.#ends(topic, [...partitions], isolation);
      const before = await endsNow(READ_UNCOMMITTED);
      await within(`the end of a transaction on ${topic}`, ended());
      this.#idle.push(producer);
      const others = this.#open.get(topic)! - 1;
      this.#open.set(topic, others);
      // The markers are written after the answer; others that are open hold the stable end back.
      await eventually(`the markers of a transaction on ${topic}`, async () => {
        const all = await endsNow(READ_UNCOMMITTED);
        return others > 0 ? all !== before : all === (await endsNow(READ_COMMITTED));
      });
    };
    return {
      produce,
      commit: () => end(() => begun.commit()),
      abort: () => end(() => begun.abort()),
    };
  }

  async #ends(
    name: string,
    numbers: readonly number[],
    isolationLevel: FetchIsolationLevelValue,
  ): Promise<string> {
    const partitions = numbers.map((partitionIndex) => ({
      partitionIndex,
      timestamp: ListOffsetTimestamps.LATEST,
    }));
    const topics = [{ name, partitions }];
    const [listed] = await this.#admin.listOffsets({ topics, isolationLevel });
    return listed!.partitions.map(({ partitionIndex, offset }) => [partitionIndex, offset]).join();
  }

  async #deleteBefore(name: string, offset: number, partition: number): Promise<void> {
    const partitions = [{ partition, offset: BigInt(offset) }];
    const deleted = this.#admin.deleteRecords({ topics: [{ name, partitions }] });
    await within(`records of ${name} to be deleted`, deleted);
  }

  async #addPartitions(name: string, count: number, id: string): Promise<void> {
    const added = this.#admin.createPartitions({ topics: [{ name, count }] });
    await within(`${count} partitions of ${name}`, added);
    await this.#untilKnown(name, count, id);
  }

  /** The controller answers before the broker leads the partitions and the producer knows them. */
  async #untilKnown(name: string, count: number, id: string): Promise<void> {
    const partitions = Array.from({ length: count }, (_, partition) => partition);
    await eventually(`${count} partitions of ${name} to be known`, async () => {
      try {
        const options = { topics: [name], forceUpdate: true };
        const known = (await this.#producer.metadata(options)).topics.get(name);
        await this.#ends(name, partitions, READ_UNCOMMITTED);
        return known?.partitionsCount === count && (known.id ?? NO_ID) === (id ?? NO_ID);
      } catch {
        return false;
      }
    });
  }

  async #configure(name: string, changes: Configs): Promise<void> {
    const configs = Object.entries(changes).map(([config, value]) => ({
      name: config,
      value,
      configOperation: IncrementalAlterConfigOperationTypes.SET,
    }));
    const resourceType = ConfigResourceTypes.TOPIC;
    const resources = [{ resourceType, resourceName: name, configs }];
    await within(`settings of ${name}`, this.#admin.incrementalAlterConfigs({ resources }));
  }

  async #produce(send: Send, topic: string, records: readonly NewRecord[]): Promise<void> {
    // One request a partition: one that is refused is sent again, and none of it was taken then.
    for (const partition of new Set(records.map((record) => record.partition ?? 0))) {
      const messages = records
        .filter((record) => (record.partition ?? 0) === partition)
        .map(({ key, value, headers, timestamp }) => ({
          topic,
          partition,
          // The client's types know no null, its wire format does.
          key: bytesOf(key) as Buffer,
          value: bytesOf(value) as Buffer,
          ...(headers === undefined ? {} : { headers: bufferMap(headers) }),
          ...(timestamp === undefined ? {} : { timestamp: BigInt(timestamp) }),
        }));
      const sent = send({ messages, acks: ProduceAcks.ALL });
      await within(`${messages.length} records to be written to ${topic}`, sent);
    }
  }
}

/** The Kafka that all suites share: topics need names of their own. */
export const kafka = new TestKafka(process.env['TEST_KAFKA']!);
afterAll(() => kafka[Symbol.asyncDispose]());

/** Runs `kcat` with the shared Kafka. @returns what it printed */
export async function kcat(args: readonly string[], input?: string | Uint8Array): Promise<Buffer> {
  const options = input === undefined ? {} : { input };
  const { code, stdout, stderr } = await run(['kcat', '-b', kafka.brokers, ...args], options);
  if (code !== 0) throw new Error(`kcat ended with ${code}: ${stderr}`);
  return stdout;
}

function bytesOf(content: string | Uint8Array | null | undefined): Buffer | null {
  return content === null || content === undefined ? null : Buffer.from(content);
}

/** That of the client, which is not loaded in a suite's own context: it takes headers by no other. */
const ClientMap = runInThisContext('Map') as typeof Map;

/** Two buffers of the same bytes are two keys of a map. */
function bufferMap(headers: NonNullable<NewRecord['headers']>): Map<Buffer, Buffer> {
  return new ClientMap(
    [...headers].map(([name, value]) => [Buffer.from(name), bytesOf(value) as Buffer]),
  );
}
