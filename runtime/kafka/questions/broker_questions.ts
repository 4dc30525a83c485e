import type {
  OffsetSpec,
  Offsets,
  TopicDescription,
  TopicQuestions,
} from '../../../app/ports/source.ts';
import { untilAborted } from '../../../app/waits/abortable.ts';
import type { BrokerHealth } from '../brokers/broker_health.ts';
import { EARLIEST, KafkaClient, LATEST } from '../brokers/kafka_client.ts';
import type { KafkaConnection } from '../brokers/kafka_connection.ts';
import { TopicIds } from './topic_ids.ts';
import { TopicPolicies } from './topic_policy.ts';

/**
 * What is asked of the brokers beside records. Through @platformatic/kafka on Node too: the
 * Confluent client does not tell an expired certificate from one of an unknown authority or for
 * another host, and tries a TLS handshake that fails again ten times a second (measured).
 */
export class BrokerQuestions implements TopicQuestions {
  readonly #connection: KafkaConnection;
  readonly #client: KafkaClient;
  readonly #policies: TopicPolicies;
  readonly #ids: TopicIds;
  readonly #health: BrokerHealth;
  /** Topics of which it was warned. */
  readonly #warned: Set<string>;

  constructor(connection: KafkaConnection, health: BrokerHealth, warned = new Set<string>()) {
    this.#connection = connection;
    this.#client = new KafkaClient(connection);
    this.#policies = new TopicPolicies(this.#client, warned);
    this.#ids = new TopicIds((topics) => this.#client.ids(topics));
    this.#health = health;
    this.#warned = warned;
  }

  /** The same, over connections of their own. */
  apart(): BrokerQuestions {
    return new BrokerQuestions(this.#connection, this.#health, this.#warned);
  }

  /** The topic as the brokers know it now, `null` when it does not exist. */
  async describe(topic: string, signal: AbortSignal): Promise<TopicDescription | null> {
    const description = await this.#ask('describe', topic, signal, async () => {
      const known = await this.#client.metadata(topic);
      if (known === null) return null;
      const policy = await this.#policies.read(topic);
      return { name: topic, id: known.idBytes, partitions: known.leaders.length, ...policy };
    });
    if (description === null) this.#health.gone(topic);
    return description;
  }

  /** The id of the topic that has the name now, 20 ms old at the most; no answer is no trouble. */
  topicId(topic: string): Promise<Uint8Array | null> {
    return this.#ids.idOf(topic);
  }

  /**
   * The same, asked over a new connection for somebody who cannot read: one that is open says nothing
   * of a certificate that has expired since, or of another password.
   */
  async topicIdAnew(topic: string, signal: AbortSignal): Promise<Uint8Array | null> {
    const client = new KafkaClient(this.#connection);
    try {
      return (await untilAborted(client.metadata(topic), signal))?.idBytes ?? null;
    } catch (error) {
      if (!signal.aborted) this.#health.failed('read', topic, error);
      throw error;
    } finally {
      await client.close();
    }
  }

  async offsets(
    topic: string,
    partitions: readonly number[],
    at: OffsetSpec,
    signal: AbortSignal,
  ): Promise<Offsets> {
    const time = at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : at;
    const found = await this.#ask('offsets', topic, signal, () =>
      this.#client.offsets(topic, partitions, time),
    );
    // No record is so late.
    for (const [partition, offset] of found) if (offset < 0) found.delete(partition);
    return found;
  }

  close(): Promise<void> {
    return this.#client.close();
  }

  async #ask<T>(
    step: 'describe' | 'offsets',
    topic: string,
    signal: AbortSignal,
    question: () => Promise<T>,
  ): Promise<T> {
    try {
      const answer = await untilAborted(question(), signal);
      this.#health.answered(step, topic);
      return answer;
    } catch (error) {
      if (!signal.aborted) {
        // What is not asked of a partition's leader, any broker knows, and all were tried.
        if (step === 'describe') this.#health.failed(step, topic, error);
        else this.#health.failedAt(step, topic, error);
      }
      throw error;
    }
  }
}
