import process from 'node:process';
import kafka from '@confluentinc/kafka-javascript';
import { loadBuilt } from './built.mjs';

const TOPIC_MS = 20_000;

/** The Kafka of one benchmark, in a folder of its own and on a free port. */
export class BenchKafka {
  brokers;
  #admin;

  /**
   * @param {string} dataDir
   * @returns {Promise<BenchKafka>}
   */
  static async start(dataDir) {
    const { startBroker } = await loadBuilt('runtime/embedded_kafka/broker.js');
    const { freePort } = await loadBuilt('runtime/embedded_kafka/ports.js');
    const broker = await startBroker({
      port: await freePort(),
      dataDir,
      signal: new AbortController().signal,
      onProgress: (/** @type {string} */ line) => process.stderr.write(`bench: ${line}\n`),
    });
    return new BenchKafka(broker.brokers);
  }

  /** @param {string} brokers */
  constructor(brokers) {
    this.brokers = brokers;
    this.#admin = kafka.AdminClient.create({ 'metadata.broker.list': brokers });
  }

  /**
   * @param {string} topic
   * @param {{ partitions?: number, compacted?: boolean }} [options]
   */
  async createTopic(topic, { partitions = 1, compacted = false } = {}) {
    const config = { 'cleanup.policy': compacted ? 'compact' : 'delete' };
    await new Promise((done, fail) => {
      const wanted = { topic, num_partitions: partitions, replication_factor: 1, config };
      this.#admin.createTopic(wanted, TOPIC_MS, (error) => (error ? fail(error) : done(null)));
    });
  }

  close() {
    this.#admin.disconnect();
  }
}
