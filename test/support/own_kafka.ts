import { mkdtemp, readFile, rm, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { type Broker, startBroker } from '../../runtime/kafka/embedded/broker.ts';
import { LOG_DIR } from '../../runtime/kafka/embedded/storage.ts';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';

/** Kafka's log files: base offset and length of a batch stand before it. */
const BATCH_HEAD_BYTES = 12;
const START_MS = 60_000;

/** A Kafka of one case, which may be killed and started again. */
export class OwnKafka implements AsyncDisposable {
  readonly brokers: string;
  readonly #port: number;
  readonly #dataDir: string;
  #broker!: Broker;

  static async start(port: number): Promise<OwnKafka> {
    const dataDir = await mkdtemp(join(process.env['TEST_FOLDER']!, 'kafka-'));
    const own = new OwnKafka(port, dataDir);
    await own.start();
    return own;
  }

  private constructor(port: number, dataDir: string) {
    this.brokers = `localhost:${port}`;
    this.#port = port;
    this.#dataDir = dataDir;
  }

  /** Starts it again, with what it has on disk. */
  async start(): Promise<void> {
    const starting = startBroker({
      port: this.#port,
      controllerPort: await freePort(),
      dataDir: this.#dataDir,
      signal: AbortSignal.timeout(START_MS),
      onProgress: () => {},
    });
    this.#broker = await within('a Kafka to start', starting, START_MS);
  }

  /** Ends it as a power cut would. */
  kill(): Promise<void> {
    return this.#broker.kill();
  }

  /** Cuts a partition's log, as a disk does that lost what was not written yet; while it is down. */
  async truncate(topic: string, partition: number, end: number): Promise<void> {
    const folder = join(this.#dataDir, LOG_DIR, `${topic}-${partition}`);
    const path = join(folder, `${'0'.repeat(20)}.log`);
    const log = await readFile(path);
    let at = 0;
    while (at < log.length && Number(log.readBigInt64BE(at)) < end) {
      at += BATCH_HEAD_BYTES + log.readInt32BE(at + 8);
    }
    await truncate(path, at);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}
