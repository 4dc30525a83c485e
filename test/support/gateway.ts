import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { freePorts, type Ports } from './free_port.ts';
import { environmentOf, GatewayClient, type GatewaySettings } from './gateway_client.ts';
import { kafka } from './kafka.ts';
import { Program } from './program.ts';
import type { Runtime } from './runtime.ts';
import { timed } from './times.ts';

/** What `kafka_for_tests.mjs` has made for all. */
const MADE_ONCE = join(process.env['TEST_FOLDER']!, 'made-once');

export interface GatewayOptions extends GatewaySettings {
  /** The text of its `.env`. */
  readonly dotenv?: string;
  /** Whether it has to make its certificate, as at the first start in a folder. */
  readonly makesCertificate?: true;
}

/** A gateway as its users run it: a process with settings in its environment and ports. */
export class Gateway extends GatewayClient implements AsyncDisposable {
  readonly #runtime: Runtime;
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder: string;
  #program!: Program;

  /** Starts one and waits until it listens; topics may still be missing. */
  static async start(runtime: Runtime, options: GatewayOptions = {}): Promise<Gateway> {
    const folder = await newFolder(options.dotenv);
    // As if it had run there before: to make one costs a start 0.2 s of a processor.
    if (!options.makesCertificate) {
      await cp(join(MADE_ONCE, 'tls'), join(folder, '.data', 'tls'), { recursive: true });
    }
    const gateway = new Gateway(runtime, await freePorts(), folder, options);
    await gateway.start();
    return gateway;
  }

  /** Starts one and waits until its topics are loaded. */
  static async startReady(runtime: Runtime, options: GatewayOptions = {}): Promise<Gateway> {
    const gateway = await Gateway.start(runtime, options);
    await gateway.untilReady();
    return gateway;
  }

  private constructor(runtime: Runtime, ports: Ports, folder: string, options: GatewayOptions) {
    super(ports);
    this.#runtime = runtime;
    this.#folder = folder;
    this.#env = environmentOf(ports, kafka.brokers, options);
  }

  /** What it has logged. */
  get stderr(): string {
    return this.#program.stderr;
  }

  override get told(): string {
    return `; the gateway said ${this.stderr}`;
  }

  get pid(): number {
    return this.#program.pid;
  }

  /** Starts it again on the same ports and in the same folder. */
  async start(): Promise<void> {
    const { gateway, gatewayAndKafka } = this.#runtime;
    const command = this.#env['KAFKA_BROKERS'] === '' ? gatewayAndKafka : gateway;
    const program = new Program(command, { cwd: this.#folder, env: this.#env });
    this.#program = program;
    try {
      await timed('gateway', this.#runtime.name, () => program.complained('Listening: '));
    } catch (error) {
      await this[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Waits for a text on stderr. */
  says(text: string): Promise<void> {
    return this.#program.complained(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#program.kill(signal);
  }

  /** Waits for its end. @returns the exit code */
  ended(): Promise<number | null> {
    return this.#program.ended();
  }

  /** Ends it as an operator does. @returns the exit code */
  stop(): Promise<number | null> {
    this.kill('SIGTERM');
    return this.ended();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

/** A folder to run a gateway in, empty but for a `.env`. */
export async function newFolder(dotenv = ''): Promise<string> {
  const folder = await mkdtemp(join(process.env['TEST_FOLDER']!, 'gateway-'));
  if (dotenv !== '') await writeFile(join(folder, '.env'), dotenv);
  return folder;
}
