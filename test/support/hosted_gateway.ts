import { randomUUID } from 'node:crypto';
import process from 'node:process';
import { freePorts, type Ports } from './free_port.ts';
import { environmentOf, GatewayClient, type GatewaySettings } from './gateway_client.ts';
import { tell } from './host_client.ts';
import type { Runtime } from './runtime.ts';
import { timed } from './times.ts';

/** KAFKA_BROKERS for the Kafka in the memory of the host. */
export const IN_MEMORY = 'memory:9092';

/**
 * A gateway with ports of its own in a process that others share (`test/host/`): it starts in
 * milliseconds, where a process of its own costs 1.4 s of a processor. For cases that look at
 * nothing of the process: not at its log, its memory, its signals.
 */
export class HostedGateway extends GatewayClient implements AsyncDisposable {
  readonly #id: string = randomUUID();
  readonly #runtime: string;
  readonly #env: Readonly<Record<string, string>>;

  /** Starts one; topics may still be loading. */
  static async start({ name }: Runtime, options: GatewaySettings = {}): Promise<HostedGateway> {
    const gateway = new HostedGateway(name, await freePorts(), options);
    await gateway.start();
    return gateway;
  }

  /** Starts one and waits until its topics are loaded. */
  static async startReady(runtime: Runtime, options?: GatewaySettings): Promise<HostedGateway> {
    const gateway = await HostedGateway.start(runtime, options);
    await gateway.untilReady();
    return gateway;
  }

  private constructor(runtime: string, ports: Ports, settings: GatewaySettings) {
    super(ports);
    this.#runtime = runtime;
    this.#env = environmentOf(ports, process.env['TEST_KAFKA'] ?? IN_MEMORY, settings);
  }

  /** Starts it again on the same ports. */
  async start(): Promise<void> {
    await timed('hosted gateway', this.#runtime, () =>
      tell(this.#runtime, 'start', { id: this.#id, env: this.#env }),
    );
  }

  /** Ends it as an operator does: with SIGTERM, unless told otherwise. */
  async stop(signal: 'SIGTERM' | 'SIGINT' = 'SIGTERM'): Promise<void> {
    const how = signal === 'SIGINT' ? 'stop' : 'drain';
    await tell(this.#runtime, 'end', { id: this.#id, how });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await tell(this.#runtime, 'end', { id: this.#id, how: 'stop' });
  }
}
