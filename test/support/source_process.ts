import { Buffer } from 'node:buffer';
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { describe } from '@jest/globals';
import type { LogLevel } from '../../app/config/config.ts';
import type { BrokerStatus, OffsetSpec, TopicDescription } from '../../app/ports/source.ts';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { Growth, type Label, within } from './deadline.ts';
import type { Topic } from './kafka.ts';
import type { Command } from './program.ts';

/** An adapter on the runtime that uses it: the command that runs it behind stdin and stdout. */
export interface SourceRuntime {
  readonly name: string;
  readonly command: Command;
}

/** The number of the source that each process begins with. */
const OWN = -1;
const DRIVER = join(CLONE, 'test', 'support', 'source_driver.mjs');
const DIST = process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist');
const DENO = join(CLONE, 'node_modules', '.bin', 'deno');
const DENO_RIGHTS = ['--allow-net', '--allow-env', '--allow-read'];

/** As `start.cts` does it: each read of the Confluent client holds a thread while it waits. */
const NODE_SETTINGS = ['UV_THREADPOOL_SIZE=64'];

export const SOURCES: readonly SourceRuntime[] = [
  {
    name: 'Node',
    command: [
      'env',
      ...NODE_SETTINGS,
      process.execPath,
      DRIVER,
      join(DIST, 'runtime/kafka/confluent/confluent.js'),
    ],
  },
  {
    name: 'Deno',
    command: [
      ...([DENO, 'run', '--quiet', ...DENO_RIGHTS] as const),
      ...[DRIVER, join(CLONE, 'runtime/kafka/fetching/platformatic.ts')],
    ],
  },
];

/** Registers the same cases for the source of every runtime. */
export function onEachSource(cases: (runtime: SourceRuntime) => void): void {
  for (const runtime of SOURCES) describe(`on ${runtime.name}`, () => cases(runtime));
}

/** What of a topic is needed to read it. */
export type TopicName = Pick<Topic, 'name' | 'id'>;

/** A record; bytes are in a string of one character each. */
export interface ReadRecord {
  readonly partition: number;
  readonly offset: number;
  readonly timestamp: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly headers: readonly (readonly [name: string, value: string | null])[];
}

/** Next offsets by partition; those that are left out are not meant. */
export type Positions = Readonly<Record<number, number>>;

/** A read under way. */
export class SourceRead implements AsyncDisposable {
  readonly records: ReadRecord[] = [];
  readonly positions = new Map<number, number>();
  /** Of each batch, what it says of the positions. */
  readonly moves: (readonly [partition: number, position: number])[][] = [];
  ended = false;
  error: string | null = null;
  readonly #source: Source;
  readonly #number: number;
  readonly #growth = new Growth();

  constructor(source: Source, number: number) {
    this.#source = source;
    this.#number = number;
  }

  get values(): (string | null)[] {
    return this.records.map(({ value }) => value);
  }

  take(line: Line): void {
    if (line.ended === true) {
      this.ended = true;
      this.error = line.error ?? null;
    } else {
      this.records.push(...line.records!.map(fromHex));
      this.moves.push(line.positions!);
      for (const [partition, position] of line.positions!) this.positions.set(partition, position);
    }
    this.#growth.changed();
  }

  /** Waits until `look` holds. */
  async until(label: Label, look: () => boolean, ms?: number): Promise<void> {
    const told = (): string =>
      `${typeof label === 'string' ? label : label()}; at ${JSON.stringify([...this.positions])} ` +
      `after ${this.records.length} records${this.ended ? `, ended: ${this.error}` : ''}`;
    await this.#growth.until(told, look, ms);
  }

  /** Waits until the positions are these or beyond. */
  async untilAt(positions: Positions, ms?: number): Promise<void> {
    const label = `the positions ${JSON.stringify(positions)}`;
    const wanted = Object.entries(positions);
    const isThere = (): boolean =>
      wanted.every(([number, next]) => (this.positions.get(Number(number)) ?? 0) >= next);
    await this.until(label, isThere, ms);
  }

  /** Ends it without an abort: no batch after the next one is asked for. */
  leave(): Promise<void> {
    return this.#source.ask('leave', { read: this.#number });
  }

  /** Aborts it, and waits for its end. */
  async abort(ms?: number): Promise<void> {
    await this.#source.ask('abort', { read: this.#number });
    await this.until('the read to end', () => this.ended, ms);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) await this.abort();
  }
}

/** What the driver says. */
interface Line {
  readonly pid?: number;
  readonly id?: number;
  readonly answer?: unknown;
  readonly error?: string | null;
  readonly read?: number;
  readonly ended?: true;
  readonly records?: readonly ReadRecord[];
  readonly positions?: (readonly [number, number])[];
}

/** A RecordSource in another process. */
export abstract class Source {
  describe(name: string): Promise<(Omit<TopicDescription, 'id'> & { id: string }) | null> {
    return this.ask('describe', { topic: { name } });
  }

  async offsets(topic: TopicName, partitions: number[], at: OffsetSpec): Promise<Positions> {
    const pairs = await this.ask<[number, number][]>('offsets', { topic, partitions, at });
    return Object.fromEntries(pairs);
  }

  status(): Promise<BrokerStatus> {
    return this.ask('status');
  }

  close(): Promise<void> {
    return this.ask('close');
  }

  /** Begins a read; from the beginning of partition 0, unless told otherwise. */
  abstract read(topic: TopicName, from?: Positions): Promise<SourceRead>;

  /** Sends a command. @throws what it threw */
  abstract ask<T>(command: string, options?: object): Promise<T>;
}

/** One of several that a process has. */
export class OpenedSource extends Source implements AsyncDisposable {
  readonly #process: SourceProcess;
  readonly #number: number;

  constructor(process: SourceProcess, number: number) {
    super();
    this.#process = process;
    this.#number = number;
  }

  read(topic: TopicName, from?: Positions): Promise<SourceRead> {
    return this.#process.read(topic, from, this);
  }

  ask<T>(command: string, options: object = {}): Promise<T> {
    return this.#process.ask(command, { ...options, source: this.#number });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** A RecordSource in a process of its own, on its own runtime; more may be opened there. */
export class SourceProcess extends Source implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #reads = new Map<number, SourceRead>();
  readonly #waiting = new Map<number, (line: Line) => void>();
  readonly #exited: Promise<void>;
  #pid = 0;
  #next = 0;
  #stderr = '';

  /** @param logLevel of what it says on stderr; default: nothing */
  static async start(
    { name, command }: SourceRuntime,
    brokers: string,
    logLevel?: LogLevel,
  ): Promise<SourceProcess> {
    const source = new SourceProcess(logLevel === undefined ? command : [...command, logLevel]);
    await within(`the source on ${name} to start`, source.#started());
    await source.ask('open', { env: { KAFKA_BROKERS: brokers } });
    return source;
  }

  private constructor([file, ...args]: Command) {
    super();
    const child = spawn(file, args, { cwd: CLONE, stdio: 'pipe' });
    this.#child = child;
    child.stdin.on('error', () => {}); // It has ended: who asks waits in vain, and tells it.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#exited = new Promise((resolve) => child.on('close', () => resolve()));
  }

  get pid(): number {
    return this.#pid;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** How many TCP connections its process has. */
  get sockets(): number {
    const fds = readdirSync(`/proc/${this.#pid}/fd`).map((fd) =>
      link(`/proc/${this.#pid}/fd/${fd}`),
    );
    const inodes = ['tcp', 'tcp6'].flatMap((kind) =>
      readFileSync(`/proc/${this.#pid}/net/${kind}`, 'utf8')
        .split('\n')
        .map((line) => line.trim().split(/\s+/)[9]),
    );
    return inodes.filter((inode) => fds.includes(`socket:[${inode}]`)).length;
  }

  /** How many threads of librdkafka its process has. */
  get clientThreads(): number {
    const tasks = `/proc/${this.#pid}/task`;
    const names = readdirSync(tasks).map((id) => readFileSync(join(tasks, id, 'comm'), 'utf8'));
    return names.filter((name) => name.startsWith('rdk:')).length;
  }

  /** Opens one more, with settings of a gateway. */
  async open(env: Readonly<Record<string, string>>): Promise<OpenedSource> {
    const source = new OpenedSource(this, this.#next++);
    await source.ask('open', { env });
    return source;
  }

  async read(
    { name, id }: TopicName,
    from: Positions = { 0: 0 },
    source: Source = this,
  ): Promise<SourceRead> {
    const number = this.#next++;
    const read = new SourceRead(source, number);
    this.#reads.set(number, read);
    const offsets = Object.entries(from).map(([partition, at]) => [Number(partition), at]);
    await source.ask('read', { read: number, topic: { name, id }, from: offsets });
    return read;
  }

  async ask<T>(command: string, options: object = {}): Promise<T> {
    const id = this.#next++;
    const answered = new Promise<Line>((resolve) => this.#waiting.set(id, resolve));
    this.#child.stdin!.write(`${JSON.stringify({ id, command, source: OWN, ...options })}\n`);
    const line = await within(() => `an answer to ${command}; ${this.#stderr}`, answered);
    if (typeof line.error === 'string') throw new Error(line.error);
    return line.answer as T;
  }

  /** Waits until it ends by itself, with nothing more to do. */
  async ends(): Promise<void> {
    this.#child.stdin!.end();
    await within(() => `the source to end; ${this.#stderr}`, this.#exited);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its own, where the command runs it as a child.
    if (this.#child.exitCode === null && this.#child.signalCode === null) kill(this.#pid);
    this.#child.kill('SIGKILL');
    await within('the source to be killed', this.#exited);
  }

  #started(): Promise<void> {
    return new Promise((resolve) => {
      createInterface({ input: this.#child.stdout! }).on('line', (text) => {
        const line: Line = JSON.parse(text);
        if (line.pid !== undefined) {
          this.#pid = line.pid;
          resolve();
        } else if (line.read !== undefined) {
          this.#reads.get(line.read)!.take(line);
        } else {
          this.#waiting.get(line.id!)?.(line);
          this.#waiting.delete(line.id!);
        }
      });
    });
  }
}

function fromHex({ key, value, headers, ...rest }: ReadRecord): ReadRecord {
  const pairs = headers.map(([name, header]) => [name, bytes(header)] as const);
  return { ...rest, key: bytes(key), value: bytes(value), headers: pairs };
}

function bytes(hex: string | null): string | null {
  return hex === null ? null : Buffer.from(hex, 'hex').toString('latin1');
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return ''; // It was closed meanwhile.
  }
}

function kill(pid: number): void {
  try {
    if (pid > 0) process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
