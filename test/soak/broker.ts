import { join } from 'node:path';
import process from 'node:process';
import { type Broker, startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { freePort } from '../support/free_port.ts';
import { API, inFrames, namesNoBroker } from '../support/kafka_frames.ts';
import { relayedProperties } from '../support/own_kafka.ts';
import { Relay } from '../support/relay.ts';

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
  readonly #relayed: number;
  readonly #relay: Relay;
  readonly #dataDir: string;
  #broker: Broker | null = null;

  static async start(folder: string): Promise<SoakBroker> {
    const relayed = await freePort();
    const relay = await Relay.start(relayed);
    relay.way = inFrames((frame, api) =>
      api === API.metadata && namesNoBroker(frame) ? null : frame,
    );
    const broker = new SoakBroker(await freePort(), relayed, relay, join(folder, 'kafka'));
    await broker.start();
    return broker;
  }

  private constructor(port: number, relayed: number, relay: Relay, dataDir: string) {
    this.port = port;
    this.#relayed = relayed;
    this.#relay = relay;
    this.#dataDir = dataDir;
  }

  /** For the gateways. */
  get brokers(): string {
    return `localhost:${this.port}`;
  }

  /**
   * For the producer, past answers that name no broker, as one gives that its controller has fenced
   * while it was frozen: librdkafka tries nothing any more after such a one. A gateway has to bear it;
   * a producer that is begun anew does not know what of its records was written.
   * Source: https://github.com/confluentinc/librdkafka/issues/5301
   */
  get producerBrokers(): string {
    return `localhost:${this.#relay.port}`;
  }

  /** Starts it, with what it has on disk, and waits until it answers. */
  async start(): Promise<void> {
    const controllerPort = await freePort();
    const way = { port: this.#relayed, toldPort: this.#relay.port };
    this.#broker = await startBroker({
      port: this.port,
      controllerPort,
      dataDir: this.#dataDir,
      properties: { ...PROPERTIES, ...relayedProperties(this.port, controllerPort, [way]) },
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
    await this.#relay[Symbol.asyncDispose]();
  }
}
