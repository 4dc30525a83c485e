import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { loadBuilt } from '../bench/built.mjs';
import { say } from './say.mjs';

const { runningBroker } = await loadBuilt('runtime/embedded_kafka/broker.js');
const { acquireEmbeddedKafka, resetEmbeddedKafka } = await loadBuilt(
  'runtime/embedded_kafka/embedded_kafka.js',
);
const { freePort } = await loadBuilt('runtime/embedded_kafka/ports.js');
const { killProcess } = await loadBuilt('runtime/embedded_kafka/stop_process.js');

/** @typedef {import('../runtime/embedded_kafka/embedded_kafka.ts').EmbeddedKafka} EmbeddedKafka */
/** @typedef {import('../runtime/embedded_kafka/embedded_kafka.ts').EmbeddedKafkaOptions} Options */

/** A Kafka of the demo alone: one broker, in a folder that is wiped at its start and its end. */
export class Broker {
  isUp = true;
  #options;
  #kafka;

  /**
   * @param {string} dataDir
   * @param {AbortSignal} signal
   */
  static async start(dataDir, signal) {
    const options = { port: await freePort(), dataDir, signal, topics: [], onProgress: say };
    // A demo that was killed may have left one.
    await resetEmbeddedKafka(options);
    return new Broker(options, await acquireEmbeddedKafka(options));
  }

  /**
   * @param {Options & { dataDir: string }} options
   * @param {EmbeddedKafka} kafka
   */
  constructor(options, kafka) {
    this.#options = options;
    this.#kafka = kafka;
  }

  get brokers() {
    return this.#kafka.brokers;
  }

  /** As a power cut does; with what it has on disk it is started again. @param {number} outageMs */
  async outage(outageMs) {
    const { dataDir, signal } = this.#options;
    const running = runningBroker(dataDir);
    this.isUp = false;
    if (running !== null) await killProcess(running);
    await delay(outageMs, undefined, { signal });
    const before = this.#kafka;
    this.#kafka = await acquireEmbeddedKafka(this.#options);
    await before.release();
    this.isUp = true;
  }

  async stop() {
    await this.#kafka.release();
    await rm(this.#options.dataDir, { recursive: true, force: true });
  }
}
