import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { eventually } from './deadline.ts';
import { freePort } from './free_port.ts';
import { kafka } from './kafka.ts';
import { Program } from './program.ts';
import type { Runtime } from './runtime.ts';
import { SseStream, type StreamOptions } from './sse_stream.ts';
import { timed } from './times.ts';

export interface GatewayOptions {
  readonly topics?: readonly string[];
  /** Settings that win over those of the tests. */
  readonly env?: Readonly<Record<string, string>>;
  /** The text of its `.env`. */
  readonly dotenv?: string;
}

/** What `GET /readyz` says. */
export interface Readiness {
  readonly status: number;
  readonly ready: boolean;
  readonly missing: readonly string[];
  readonly brokers: { readonly up: boolean; readonly error: string | null };
}

/** A gateway as its users run it: a process with settings in its environment and ports. */
export class Gateway implements AsyncDisposable {
  readonly http: string;
  readonly https: string;
  readonly admin: string;
  readonly #runtime: Runtime;
  readonly #env: Readonly<Record<string, string>>;
  readonly #folder: string;
  #program!: Program;

  /** Starts one and waits for its ready line; topics may still be loading. */
  static async start(runtime: Runtime, options: GatewayOptions = {}): Promise<Gateway> {
    const folder = await newFolder(options.dotenv);
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
    this.#runtime = runtime;
    this.#folder = folder;
    this.http = `http://localhost:${ports.HTTP_PORT}`;
    this.https = `https://localhost:${ports.HTTPS_PORT}`;
    this.admin = `http://localhost:${ports.ADMIN_PORT}`;
    const { topics, env } = options;
    this.#env = {
      ...ports,
      KAFKA_BROKERS: kafka.brokers,
      DRAIN_SECONDS: '0',
      ...(topics === undefined ? {} : { TOPICS: topics.join() }),
      ...env,
    };
  }

  get stderr(): string {
    return this.#program.stderr;
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
      await timed('gateway', this.#runtime.name, () => program.complained('Ready: '));
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

  stream(path: string, options?: StreamOptions): Promise<SseStream> {
    return SseStream.open(`${this.http}${path}`, options);
  }

  /** The first blocks from an id on, after the one with the time to come back. */
  async blocks(path: string, id: string, count: number): Promise<string[]> {
    await using stream = await this.stream(path, { headers: { 'last-event-id': id } });
    await stream.until(`${count} blocks`, () => stream.blocks.length > count);
    return stream.blocks.slice(1, count + 1).map(({ raw }) => raw);
  }

  async readiness(): Promise<Readiness> {
    const response = await fetch(`${this.admin}/readyz`, { signal: AbortSignal.timeout(5000) });
    return { status: response.status, ...((await response.json()) as Omit<Readiness, 'status'>) };
  }

  async untilReady(): Promise<void> {
    await eventually(
      () => `/readyz to say 200; the gateway said ${this.stderr}`,
      async () => (await this.readiness()).status === 200,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#program[Symbol.asyncDispose]();
    await rm(this.#folder, { recursive: true, force: true });
  }
}

export interface Ports {
  readonly HTTP_PORT: string;
  readonly HTTPS_PORT: string;
  readonly ADMIN_PORT: string;
}

/** Settings with three free ports. */
export async function freePorts(): Promise<Ports & Record<string, string>> {
  return {
    HTTP_PORT: String(await freePort()),
    HTTPS_PORT: String(await freePort()),
    ADMIN_PORT: String(await freePort()),
  };
}

/** A folder to run a gateway in, empty but for a `.env`. */
export async function newFolder(dotenv = ''): Promise<string> {
  const folder = await mkdtemp(join(process.env['TEST_FOLDER']!, 'gateway-'));
  if (dotenv !== '') await writeFile(join(folder, '.env'), dotenv);
  return folder;
}
