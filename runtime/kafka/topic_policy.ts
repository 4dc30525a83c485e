import { getLogger } from '@logtape/logtape';
import type { KafkaConnection } from './connection.ts';
import { clientOptions } from './platformatic_config.ts';
import { Admin, ConfigResourceTypes } from './platformatic_on_node20.ts';

const logger = getLogger(['sse-kafka', 'brokers']);

/** What the brokers do with a topic's old records. */
export interface TopicPolicy {
  readonly compacted: boolean;
  readonly deletes: boolean;
  readonly deleteRetentionMs: number | null;
}

const NAMES = ['cleanup.policy', 'delete.retention.ms'];

/**
 * Reads `cleanup.policy` of topics. One client serves both runtimes here: the Confluent client has
 * no request for a topic's settings.
 */
export class TopicPolicies {
  readonly #admin: InstanceType<typeof Admin>;
  readonly #warned = new Set<string>();

  constructor(connection: KafkaConnection) {
    this.#admin = new Admin(clientOptions(connection));
  }

  /**
   * Without the right to read it, a topic is taken as not compacted, with a warning.
   * @throws when the brokers cannot be asked.
   */
  async read(topic: string): Promise<TopicPolicy> {
    const resource = {
      resourceType: ConfigResourceTypes.TOPIC,
      resourceName: topic,
      configurationKeys: NAMES,
    };
    try {
      const [description] = await this.#admin.describeConfigs({ resources: [resource] });
      const value = (name: string): string | null =>
        description?.configs.find((config) => config.name === name)?.value ?? null;
      const policies = (value('cleanup.policy') ?? '').split(',').map((policy) => policy.trim());
      const compacted = policies.includes('compact');
      const retention = value('delete.retention.ms');
      return {
        compacted,
        deletes: policies.includes('delete'),
        deleteRetentionMs: compacted && retention !== null ? Number(retention) : null,
      };
    } catch (error) {
      if (!isRefused(error)) throw error;
      if (!this.#warned.has(topic)) {
        this.#warned.add(topic);
        logger.warn(
          'No right to read the settings of topic {topic}: taken as not compacted. Allow DESCRIBE_CONFIGS on it.',
          { topic },
        );
      }
      return { compacted: false, deletes: true, deleteRetentionMs: null };
    }
  }

  async close(): Promise<void> {
    await this.#admin.close();
  }
}

/** The API's code stands one or two errors deep. */
function isRefused(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if ('apiId' in error && error.apiId === 'TOPIC_AUTHORIZATION_FAILED') return true;
  const inner = error instanceof AggregateError ? error.errors : [error.cause];
  return inner.some((one) => one !== undefined && isRefused(one));
}
