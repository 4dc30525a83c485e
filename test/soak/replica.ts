import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Program } from '../support/program.ts';
import type { Runtime } from '../support/runtimes.ts';
import { ProcessSeries } from './resources.ts';

/** A start takes seconds, and minutes where machines have much else to do. */
const START_MS = 300_000;
const END_MS = 60_000;
const SCRAPE_MS = 5000;

/** One of the gateways, on ports that stay the same over its restarts. */
export class Replica implements AsyncDisposable {
  readonly name: string;
  readonly http: number;
  readonly https: number;
  /** One for each of its processes. */
  readonly uses: ProcessSeries[] = [];
  readonly #runtime: Runtime;
  readonly #folder: string;
  readonly #env: Readonly<Record<string, string>>;
  readonly #admin: string;
  #program: Program | null = null;

  static async start(
    name: string,
    runtime: Runtime,
    folder: string,
    env: Readonly<Record<string, string>>,
  ): Promise<Replica> {
    const ports = [await freePort(), await freePort(), await freePort()] as const;
    const replica = new Replica(name, runtime, join(folder, name), env, ports);
    await mkdir(replica.#folder);
    await replica.start();
    return replica;
  }

  private constructor(
    name: string,
    runtime: Runtime,
    folder: string,
    env: Readonly<Record<string, string>>,
    [http, https, admin]: readonly [number, number, number],
  ) {
    this.name = name;
    this.#runtime = runtime;
    this.#folder = folder;
    this.http = http;
    this.https = https;
    this.#admin = `http://localhost:${admin}`;
    this.#env = {
      ...env,
      HOST: '127.0.0.1',
      HTTP_PORT: `${http}`,
      HTTPS_PORT: `${https}`,
      ADMIN_PORT: `${admin}`,
    };
  }

  get pid(): number {
    return this.#program!.pid;
  }

  get log(): string {
    return this.#program?.stderr ?? '';
  }

  /** @param env settings that win over the others, for this process */
  async start(env: Readonly<Record<string, string>> = {}): Promise<void> {
    const program = new Program(this.#runtime.gateway, {
      cwd: this.#folder,
      env: { ...this.#env, ...env },
    });
    this.#program = program;
    await program.complained('Listening: ', START_MS);
    this.uses.push(new ProcessSeries(`${this.name}, process ${this.uses.length + 1}`, program.pid));
  }

  async untilLoaded(): Promise<void> {
    await eventually(
      () => `${this.name} to be ready; it said ${this.log.slice(-2000)}`,
      async () => (await this.#get('/readyz'))?.status === 200,
      START_MS,
    );
  }

  async kill(): Promise<void> {
    await this.#program?.[Symbol.asyncDispose]();
  }

  /** Ends it as an operator does. @returns the exit code */
  async drain(): Promise<number | null> {
    this.#program!.kill('SIGTERM');
    return await this.#program!.ended(END_MS);
  }

  get hasEnded(): boolean {
    return this.#program!.hasEnded;
  }

  /** Why streams ended at its present process, and how many; `null` while it does not answer. */
  async endings(): Promise<ReadonlyMap<string, number> | null> {
    const response = await this.#get('/metrics');
    const text = (await response?.text().catch(() => null)) ?? null;
    if (text === null) return null;
    const counts = new Map<string, number>();
    const lines = text.matchAll(/^sse_kafka_disconnects_total\{.*reason="(\w+)".*\} (\d+)/gm);
    for (const [, reason, count] of lines) {
      counts.set(reason!, (counts.get(reason!) ?? 0) + Number(count));
    }
    return counts;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }

  #get(path: string): Promise<Response | null> {
    const signal = AbortSignal.timeout(SCRAPE_MS);
    return fetch(`${this.#admin}${path}`, { signal }).catch(() => null);
  }
}
