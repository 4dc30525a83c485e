import { randomUUID } from 'node:crypto';
import { freePorts, type Ports } from '../support/free_port.ts';
import type { GatewayOptions } from '../support/gateway.ts';
import { GatewayClient } from '../support/gateway_client.ts';
import type { Runtime } from '../support/runtime.ts';
import { tell } from './host_client.ts';

/** A gateway in its runtime's host, which reads from the Kafka there. */
export class SimulatedGateway extends GatewayClient implements AsyncDisposable {
  readonly #id: string = randomUUID();
  readonly #runtime: string;
  readonly #env: Readonly<Record<string, string>>;

  /** Starts one; topics may still be loading. */
  static async start({ name }: Runtime, options: GatewayOptions = {}): Promise<SimulatedGateway> {
    const gateway = new SimulatedGateway(name, await freePorts(), options);
    await gateway.start();
    return gateway;
  }

  /** Starts one and waits until its topics are loaded. */
  static async startReady(runtime: Runtime, options?: GatewayOptions): Promise<SimulatedGateway> {
    const gateway = await SimulatedGateway.start(runtime, options);
    await gateway.untilReady();
    return gateway;
  }

  private constructor(runtime: string, ports: Ports, { topics, env }: GatewayOptions) {
    super(ports);
    this.#runtime = runtime;
    this.#env = {
      ...ports,
      KAFKA_BROKERS: 'simulated:9092',
      DRAIN_SECONDS: '0',
      ...(topics === undefined ? {} : { TOPICS: topics.join() }),
      ...env,
    };
  }

  /** Its host says what it logs. */
  override get stderr(): string {
    return '';
  }

  /** Starts it again on the same ports. */
  async start(): Promise<void> {
    await tell(this.#runtime, 'start', { id: this.#id, env: this.#env });
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    await tell(this.#runtime, 'end', { id: this.#id, how: 'drain' });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tell(this.#runtime, 'end', { id: this.#id, how: 'stop' });
  }
}
