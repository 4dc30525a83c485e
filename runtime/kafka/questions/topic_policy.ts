import { getLogger } from '@logtape/logtape';
import type { KafkaClient } from '../brokers/kafka_client.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** What the brokers do with a topic's old records. */
export interface TopicPolicy {
  readonly compacted: boolean;
  readonly deletes: boolean;
  readonly deleteRetentionMs: number | null;
}

const NAMES = ['cleanup.policy', 'delete.retention.ms'];

/** Reads `cleanup.policy` of topics. */
export class TopicPolicies {
  readonly #client: KafkaClient;
  /** Topics of which the missing right was told. */
  readonly #warned: Set<string>;

  constructor(client: KafkaClient, warned: Set<string>) {
    this.#client = client;
    this.#warned = warned;
  }

  /**
   * Without the right to read it, a topic is taken as not compacted, with a warning.
   * @throws when the brokers cannot be asked.
   */
  async read(topic: string): Promise<TopicPolicy> {
    const configs = await this.#client.configs(topic, NAMES);
    if (configs === null) {
      if (!this.#warned.has(topic)) {
        this.#warned.add(topic);
        logger.warn(
          'No right to read the settings of topic {topic}: taken as not compacted. Allow DESCRIBE_CONFIGS on it.',
          { topic },
        );
      }
      return { compacted: false, deletes: true, deleteRetentionMs: null };
    }
    const policies = (configs.get('cleanup.policy') ?? '').split(',').map((one) => one.trim());
    const compacted = policies.includes('compact');
    const retention = configs.get('delete.retention.ms') ?? null;
    return {
      compacted,
      deletes: policies.includes('delete'),
      deleteRetentionMs: compacted && retention !== null ? Number(retention) : null,
    };
  }
}
