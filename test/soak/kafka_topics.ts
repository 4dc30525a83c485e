import { Admin, ConfigResourceTypes } from '../../runtime/kafka/protocol/platformatic_on_node20.ts';
import { eventually } from '../support/deadline.ts';
import { ProducedTopic } from './produced.ts';

// After the file above, which supplies what it lacks on Node 20.
const { IncrementalAlterConfigOperationTypes } = await import('@platformatic/kafka');

/** Longer than any outage of the broker that the faults make. */
const ADMIN_MS = 120_000;
const REQUEST_MS = 5000;

export interface TopicPlan {
  readonly name: string;
  readonly partitions: number;
  readonly isCompacted: boolean;
  readonly configs: Readonly<Record<string, string>>;
}

/** `delete.retention.ms` of the compacted topic: some clients are away for longer. */
export const DELETE_RETENTION_MS = 30_000;

const NEVER = { 'retention.ms': '-1', 'retention.bytes': '-1' };

export const TOPICS = {
  /** Gets more partitions. */
  plain: {
    name: 'plain',
    partitions: 3,
    isCompacted: false,
    configs: { 'cleanup.policy': 'delete', ...NEVER },
  },
  /** Is deleted from the front. */
  deleted: {
    name: 'deleted',
    partitions: 2,
    isCompacted: false,
    configs: { 'cleanup.policy': 'delete', 'segment.ms': '10000', ...NEVER },
  },
  compacted: {
    name: 'compacted',
    partitions: 2,
    isCompacted: true,
    configs: {
      'cleanup.policy': 'compact',
      'segment.ms': '20000',
      'min.cleanable.dirty.ratio': '0.01',
      'max.compaction.lag.ms': '1000',
      'delete.retention.ms': `${DELETE_RETENTION_MS}`,
    },
  },
  /** Written in transactions alone. */
  transactions: {
    name: 'transactions',
    partitions: 2,
    isCompacted: false,
    configs: { 'cleanup.policy': 'delete', ...NEVER },
  },
  /** Its values are read by a schema registry, where there is one. */
  typed: {
    name: 'typed',
    partitions: 2,
    isCompacted: false,
    configs: { 'cleanup.policy': 'delete', ...NEVER },
  },
} satisfies Record<string, TopicPlan>;

export type TopicName = keyof typeof TOPICS;

/** `typed` only where there is a registry. */
export type ProducedTopics = Readonly<
  Record<Exclude<TopicName, 'typed'>, ProducedTopic> & { typed?: ProducedTopic }
>;

/** Empty accounts: of each process its own. */
export function newAccounts(hasRegistry: boolean): ProducedTopics {
  const plans = Object.values<TopicPlan>(TOPICS);
  const topics = plans
    .filter(({ name }) => hasRegistry || name !== TOPICS.typed.name)
    .map(({ name, isCompacted, partitions }) => {
      return [name, new ProducedTopic(name, isCompacted, partitions)] as const;
    });
  return Object.fromEntries(topics) as unknown as ProducedTopics;
}

/** Asks a broker that may be away for things to be done to topics. */
export class KafkaTopics {
  readonly #brokers: string;

  constructor(brokers: string) {
    this.#brokers = brokers;
  }

  async create(plan: TopicPlan): Promise<void> {
    const { name, partitions } = plan;
    const configs = Object.entries(plan.configs).map(([config, value]) => ({
      name: config,
      value,
    }));
    await this.#insist(`topic ${name} to be created`, (admin) =>
      admin.createTopics({ topics: [name], partitions, replicas: 1, configs }),
    );
  }

  /** Deletes all records of a partition below an offset; its account has to know before. */
  async deleteBefore(topic: ProducedTopic, partition: number, offset: number): Promise<void> {
    const partitions = [{ partition, offset: BigInt(offset) }];
    await this.#insist(`records of ${topic.name} to be deleted`, (admin) =>
      admin.deleteRecords({ topics: [{ name: topic.name, partitions }] }),
    );
  }

  async addPartitions({ name }: ProducedTopic, count: number): Promise<void> {
    await this.#insist(`${count} partitions of ${name}`, async (admin) => {
      if ((await partitionsOf(admin, name)) < count) {
        await admin.createPartitions({ topics: [{ name, count }] });
      }
    });
  }

  async configure(topic: string, config: string, value: string): Promise<void> {
    const configOperation = IncrementalAlterConfigOperationTypes.SET;
    const resource = {
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: topic,
      configs: [{ name: config, value, configOperation }],
    };
    await this.#insist(`${config} of ${topic}`, (admin) =>
      admin.incrementalAlterConfigs({ resources: [resource] }),
    );
  }

  /** Asks again until it is answered: all that is asked here may be asked twice. */
  async #insist(
    label: string,
    ask: (admin: InstanceType<typeof Admin>) => Promise<unknown>,
  ): Promise<void> {
    let last: unknown;
    await eventually(
      () => `${label}; the last answer: ${last}`,
      async () => {
        const admin = new Admin({
          clientId: 'sse-kafka-soak',
          bootstrapBrokers: [this.#brokers],
          retries: 0,
          connectTimeout: REQUEST_MS,
          requestTimeout: REQUEST_MS,
        });
        try {
          await ask(admin);
          return true;
        } catch (error) {
          last = error;
          return false;
        } finally {
          await admin.close().catch(() => {});
        }
      },
      ADMIN_MS,
    );
  }
}

async function partitionsOf(admin: InstanceType<typeof Admin>, name: string): Promise<number> {
  const { topics } = await admin.metadata({ topics: [name], forceUpdate: true });
  return topics.get(name)?.partitionsCount ?? 0;
}
