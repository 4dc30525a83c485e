import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually, type Label, within } from './deadline.ts';
import type { Runtime } from './runtime.ts';

const DRIVER = join(CLONE, 'test', 'support', 'client_driver.mjs');
const DENO = join(CLONE, 'node_modules', '.bin', 'deno');
const DENO_RIGHTS = ['--allow-net', '--allow-read'];

/** An event as the driver tells it; bytes are `{ bytes }`. */
export interface Told {
  readonly type: string;
  readonly data?: string;
  readonly id?: string;
  // biome-ignore lint/suspicious/noExplicitAny: it depends on the event
  readonly detail?: any;
  readonly error?: string;
  readonly status?: number;
  readonly retryMs?: number | null;
  readonly keys?: readonly unknown[];
}

/** What a connection or a table says of itself. */
export interface State {
  readonly url: string;
  readonly readyState: number;
  readonly lastEventId: string;
  readonly lastActivity: number;
  /** All that it had so far, of changes. */
  readonly statuses: readonly string[];
  readonly isWhole: boolean;
  readonly size: number;
  readonly entries: readonly (readonly [key: unknown, value: unknown])[];
}

export interface OpenOptions {
  readonly lastEventId?: string;
  readonly maxSilenceMs?: number;
  readonly format?: string;
  readonly since?: string | number;
  readonly key?: string | readonly string[];
  readonly where?: string;
  readonly every?: number;
  readonly whileHidden?: string;
  /** Whether values are parsed as JSON. */
  readonly parses?: boolean;
  /** Whether its last id is kept, in a store that all of a process share. */
  readonly isStored?: boolean;
  /** Of its `token`, at each connect the next; beyond the last it throws. */
  readonly tokens?: readonly string[];
}

/** A block as the parser gives it. */
export interface ParsedBlock {
  readonly type: string;
  readonly data: string | null;
  readonly id?: string;
  readonly retry?: number;
}

/** A connection or a table of the drop-in client in another process. */
export class RemoteClient {
  readonly #process: ClientProcess;
  readonly #name: string;

  constructor(owner: ClientProcess, name: string) {
    this.#process = owner;
    this.#name = name;
  }

  ask<T>(command: string, options: object = {}): Promise<T> {
    return this.#process.ask<T>(command, { name: this.#name, ...options });
  }

  log(): Promise<Told[]> {
    return this.ask('log');
  }

  state(): Promise<State> {
    return this.ask('state');
  }

  /** The `data` of the messages so far. */
  async messages(): Promise<(string | undefined)[]> {
    return (await this.log()).filter(({ type }) => type === 'message').map(({ data }) => data);
  }

  /** Waits until the events so far are enough. @returns them */
  until(what: string, look: (log: readonly Told[]) => boolean): Promise<Told[]> {
    let log: Told[] = [];
    const label = (): string => `${what}; it had ${JSON.stringify(log.slice(-10))}`;
    return eventually(label, async () => {
      log = await this.log();
      return look(log) ? log : null;
    });
  }

  /** Waits until so many events of a type came. */
  async untilCount(type: string, count: number): Promise<Told[]> {
    const of = (log: readonly Told[]): Told[] => log.filter((told) => told.type === type);
    return of(await this.until(`${count} ${type}`, (log) => of(log).length >= count));
  }

  async close(): Promise<void> {
    await this.ask('close');
  }
}

/** The drop-in client on a runtime, in a process of its own. */
export class ClientProcess implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #waiting = new Map<number, (line: Line) => void>();
  readonly #exited: Promise<void>;
  #next = 1;
  #stderr = '';

  static async start({ name }: Runtime): Promise<ClientProcess> {
    const client = new ClientProcess(name === 'Deno');
    await within(() => `a client on ${name}; ${client.#stderr}`, client.#answer(0));
    return client;
  }

  private constructor(isDeno: boolean) {
    const file = isDeno ? DENO : process.execPath;
    const args = isDeno ? ['run', '--quiet', ...DENO_RIGHTS, DRIVER] : [DRIVER];
    const env = { ...process.env, NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' };
    const child = spawn(file, args, { cwd: CLONE, stdio: 'pipe', env });
    this.#child = child;
    child.stdin.on('error', () => {}); // It has ended: who asks waits in vain, and tells it.
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
    });
    this.#exited = new Promise((resolve) => child.on('close', () => resolve()));
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: Line = JSON.parse(text);
      this.#waiting.get(line.id)?.(line);
      this.#waiting.delete(line.id);
    });
  }

  /** What it complained of: uncaught errors, too. */
  get stderr(): string {
    return this.#stderr;
  }

  async connect(url: string, options: OpenOptions = {}): Promise<RemoteClient> {
    return this.#open('connect', url, options);
  }

  async table(url: string, options: OpenOptions = {}): Promise<RemoteClient> {
    return this.#open('table', url, options);
  }

  /** What the parser makes of chunks of bytes. */
  parse(chunks: readonly Uint8Array[]): Promise<ParsedBlock[]> {
    return this.ask('parse', { chunks: chunks.map((chunk) => Buffer.from(chunk).toString('hex')) });
  }

  /** Sends a command. @throws what it threw */
  async ask<T>(command: string, options: object = {}): Promise<T> {
    const id = this.#next++;
    const answered = this.#answer(id);
    this.#child.stdin!.write(`${JSON.stringify({ id, command, ...options })}\n`);
    const label: Label = () => `an answer to ${command}; ${this.#stderr}`;
    const line = await within(label, answered);
    if (line.error !== undefined) throw new Error(line.error);
    return line.answer as T;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.stdin!.end();
    await within(() => `a client to end; ${this.#stderr}`, this.#exited).finally(() =>
      this.#child.kill('SIGKILL'),
    );
  }

  async #open(command: string, url: string, options: OpenOptions): Promise<RemoteClient> {
    const name = `${this.#next}`;
    const { isStored = false, tokens, parses = false, ...rest } = options;
    await this.ask(command, { name, url, options: rest, isStored, tokens, parses });
    return new RemoteClient(this, name);
  }

  #answer(id: number): Promise<Line> {
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }
}

/** What the driver says. */
interface Line {
  readonly id: number;
  readonly answer?: unknown;
  readonly error?: string;
}
