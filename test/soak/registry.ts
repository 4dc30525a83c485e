import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { notedProcess } from '../../runtime/embedded_kafka/process_identity.ts';
import { keepRegistry } from '../../runtime/embedded_kafka/registry.ts';
import { killProcess } from '../../runtime/embedded_kafka/stop_process.ts';
import type { Random } from '../model/random.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Schema, type Schemas } from './schemas.ts';

/** Fetched and started on a machine with much else to do. */
const START_MS = 600_000;
const REGISTER_MS = 60_000;
const ANSWER_MS = 5000;
/** Registered ahead, so that new ones come while it is away, too. */
const STOCK = 20;
const RETRY_MS = 500;
/** Between two schemas of the records. */
const SCHEMA_MS = 3000;
/** Before it is started again, which takes some ten seconds more. */
const MAX_DOWN_MS = 10_000;
/** It is there twice as long as it was away. */
const UP_SHARE = 2;

/** The schema registry of a soak, which is killed for a third of the time and keeps what it has. */
export class SoakRegistry implements Schemas, AsyncDisposable {
  readonly url: string;
  /** How often it was killed, how long it was away, and how many schemas records have. */
  readonly counts = { outages: 0, awayMs: 0, schemas: 0 };
  readonly #port: number;
  readonly #dataDir: string;
  readonly #stock: Schema[] = [];
  readonly #over = new AbortController();
  #current: Schema | null = null;
  #since = 0;
  #number = 0;

  static async start(parent: string): Promise<SoakRegistry> {
    const dataDir = join(parent, 'registry');
    await mkdir(dataDir);
    // On disk at once: an id that was given out must not be given to another schema.
    process.env['REGISTRY_DATASOURCE_URL'] = `jdbc:h2:file:${join(dataDir, 'data')};WRITE_DELAY=0`;
    const port = await freePort();
    const registry = new SoakRegistry(await startAt(port, dataDir), port, dataDir);
    void registry.#fillStock();
    await eventually('a schema', async () => registry.#stock.length > 0, REGISTER_MS);
    return registry;
  }

  private constructor(url: string, port: number, dataDir: string) {
    this.url = url;
    this.#port = port;
    this.#dataDir = dataDir;
  }

  next(): Schema {
    const isDue = performance.now() - this.#since > SCHEMA_MS;
    const next = isDue ? this.#stock.shift() : undefined;
    if (next !== undefined) {
      this.#current = next;
      this.#since = performance.now();
      this.counts.schemas++;
    }
    return this.#current!;
  }

  /** Is killed and started again until the signal aborts; then it is there. */
  async comeAndGo(random: Random, signal: AbortSignal): Promise<void> {
    let upMs = MAX_DOWN_MS;
    for (;;) {
      await delay(upMs, undefined, { signal }).catch(() => {});
      if (signal.aborted) return;
      const from = performance.now();
      await this.#kill();
      await delay(random.between(0, MAX_DOWN_MS), undefined, { signal }).catch(() => {});
      await startAt(this.#port, this.#dataDir);
      const awayMs = performance.now() - from;
      this.counts.outages++;
      this.counts.awayMs += awayMs;
      upMs = UP_SHARE * awayMs;
    }
  }

  async #fillStock(): Promise<void> {
    while (!this.#over.signal.aborted) {
      const number = this.#number;
      const id = this.#stock.length < STOCK ? await this.#register(number) : null;
      if (id === null) await delay(RETRY_MS);
      else {
        this.#stock.push(new Schema(id, number));
        this.#number++;
      }
    }
  }

  /** @returns `null` while it is away */
  async #register(number: number): Promise<number | null> {
    try {
      const response = await fetch(`${this.url}/subjects/note-${number}/versions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ schema: Schema.text(number) }),
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      return response.ok ? ((await response.json()) as { id: number }).id : null;
    } catch {
      return null;
    }
  }

  async #kill(): Promise<void> {
    const identity = notedProcess(join(this.#dataDir, 'registry'));
    if (identity !== null) await killProcess(identity);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#over.abort();
    await this.#kill();
  }
}

function startAt(port: number, dataDir: string): Promise<string> {
  const signal = AbortSignal.timeout(START_MS);
  return keepRegistry({ port, dataDir, signal, onProgress: () => {} });
}
