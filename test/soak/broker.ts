import { join } from 'node:path';
import process from 'node:process';
import { type Broker, startBroker } from '../../runtime/kafka/embedded/broker.ts';
import { freePort } from '../support/free_port.ts';

/** Three times what a start takes on a machine with much else to do. */
const START_MS = 120_000;
const PROPERTIES = {
  'log.cleaner.backoff.ms': '1000',
  'log.retention.check.interval.ms': '2000',
  'log.segment.delete.delay.ms': '1000',
};

/** The Kafka of a soak: one broker, which may be killed, frozen and started again. */
export class SoakBroker implements AsyncDisposable {
  readonly port: number;
  readonly #dataDir: string;
  #broker: Broker | null = null;

  static async start(folder: string): Promise<SoakBroker> {
    const broker = new SoakBroker(await freePort(), join(folder, 'kafka'));
    await broker.start();
    return broker;
  }

  private constructor(port: number, dataDir: string) {
    this.port = port;
    this.#dataDir = dataDir;
  }

  get brokers(): string {
    return `localhost:${this.port}`;
  }

  /** Starts it, with what it has on disk, and waits until it answers. */
  async start(): Promise<void> {
    this.#broker = await startBroker({
      port: this.port,
      controllerPort: await freePort(),
      dataDir: this.#dataDir,
      properties: PROPERTIES,
      signal: AbortSignal.timeout(START_MS),
      onProgress: () => {},
    });
  }

  /** Ends it as a power cut would. */
  async kill(): Promise<void> {
    await this.#broker?.kill();
    this.#broker = null;
  }

  /** From now on it does nothing, but its connections stay, as on a machine that hangs. */
  freeze(): void {
    process.kill(this.#broker!.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#broker!.pid, 'SIGCONT');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
