import { Buffer } from 'node:buffer';
import { cp, mkdtemp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { type Broker, startBroker } from '../../runtime/embedded_kafka/broker.ts';
import { LOG_DIR } from '../../runtime/embedded_kafka/storage.ts';
import { within } from './deadline.ts';
import { freePort } from './free_port.ts';
import { timed } from './times.ts';

/** Kafka's log files: base offset and length of a batch stand before it. */
const BATCH_HEAD_BYTES = 12;
const START_MS = 120_000;

/** Another way in, of which clients are told another address than the one it listens on. */
export interface Relayed {
  readonly port: number;
  readonly toldPort: number;
  /** Default: `localhost`. */
  readonly toldHost?: string;
}

/** A Kafka of one case, which may be killed, frozen and started again. */
export class OwnKafka implements AsyncDisposable {
  readonly #dataDir: string;
  readonly #relayed: readonly Relayed[];
  #port: number;
  #broker!: Broker;

  /** @param relayed listeners beside the plain one */
  static async start(port: number, ...relayed: readonly Relayed[]): Promise<OwnKafka> {
    const dataDir = await newDataDir();
    const own = new OwnKafka(port, dataDir, relayed);
    await own.start();
    return own;
  }

  private constructor(port: number, dataDir: string, relayed: readonly Relayed[]) {
    this.#port = port;
    this.#dataDir = dataDir;
    this.#relayed = relayed;
  }

  get brokers(): string {
    return `localhost:${this.#port}`;
  }

  /** Starts it again, with what it has on disk, on another port if one is given. */
  async start(port = this.#port): Promise<void> {
    this.#port = port;
    const controllerPort = await freePort();
    const starting = startBroker({
      port,
      controllerPort,
      dataDir: this.#dataDir,
      properties: relayedProperties(port, controllerPort, this.#relayed),
      signal: AbortSignal.timeout(START_MS),
      onProgress: () => {},
    });
    this.#broker = await timed('kafka', 'its own', () =>
      within('a Kafka to start', starting, START_MS),
    );
  }

  /** Ends it as a power cut would. */
  kill(): Promise<void> {
    return this.#broker.kill();
  }

  /** Ends it in order. */
  stop(): Promise<void> {
    return this.#broker.stop();
  }

  /** From now on it does nothing, but its connections stay, as on a machine that hangs. */
  freeze(): void {
    process.kill(this.#broker.pid, 'SIGSTOP');
  }

  thaw(): void {
    process.kill(this.#broker.pid, 'SIGCONT');
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

  /** Puts bytes in the place of a partition's log, as if it had been written long ago; while it is down. */
  async rewrite(topic: string, partition: number, log: Uint8Array): Promise<void> {
    const folder = join(this.#dataDir, LOG_DIR, `${topic}-${partition}`);
    for (const name of await readdir(folder)) {
      // What it noted of its own log; it finds that out again.
      if (/index$|snapshot$|^leader-epoch-checkpoint$/.test(name)) await rm(join(folder, name));
    }
    await writeFile(join(folder, `${'0'.repeat(20)}.log`), log);
  }

  /** Turns over the last byte of a partition's batch, as a disk does, or turns it back. */
  async spoil(topic: string, partition: number, offset: number): Promise<void> {
    const path = join(this.#dataDir, LOG_DIR, `${topic}-${partition}`, `${'0'.repeat(20)}.log`);
    const log = await readFile(path);
    let at = 0;
    let length = 0;
    while (at < log.length) {
      length = BATCH_HEAD_BYTES + log.readInt32BE(at + 8);
      if (Number(log.readBigInt64BE(at)) === offset) break;
      at += length;
    }
    // Before the count of headers.
    const byte = at + length - 2;
    const file = await open(path, 'r+');
    await file.write(Buffer.from([log[byte]! ^ 1]), 0, 1, byte);
    await file.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await rm(this.#dataDir, { recursive: true, force: true });
  }
}

/** A folder for a broker of its own. */
export async function newDataDir(): Promise<string> {
  const dataDir = await mkdtemp(join(process.env['TEST_FOLDER']!, 'kafka-'));
  await copyFormatted(dataDir);
  return dataDir;
}

/** Puts what `kafka_for_tests.mjs` has formatted once into a broker's folder: it costs a JVM. */
export async function copyFormatted(dataDir: string): Promise<void> {
  const formatted = join(process.env['TEST_FOLDER']!, 'made-once', LOG_DIR);
  await cp(formatted, join(dataDir, LOG_DIR), { recursive: true });
}

/** Settings of a Kafka with more ways in. */
export function relayedProperties(
  port: number,
  controllerPort: number,
  relayed: readonly Relayed[],
): Record<string, string> {
  if (relayed.length === 0) return {};
  const each = (text: (one: Relayed, name: string) => string): string[] =>
    relayed.map((one, n) => text(one, `RELAYED_${n}`));
  return {
    listeners: [
      `PLAINTEXT://127.0.0.1:${port}`,
      `CONTROLLER://127.0.0.1:${controllerPort}`,
      ...each((one, name) => `${name}://127.0.0.1:${one.port}`),
    ].join(),
    'advertised.listeners': [
      `PLAINTEXT://localhost:${port}`,
      ...each(({ toldHost, toldPort }, name) => `${name}://${toldHost ?? 'localhost'}:${toldPort}`),
    ].join(),
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      ...each((_, name) => `${name}:PLAINTEXT`),
    ].join(),
  };
}
