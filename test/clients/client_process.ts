import { type ChildProcess, spawn } from 'node:child_process';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { Growth, within } from '../support/deadline.ts';
import type { Command } from '../support/program.ts';

/**
 * A dozen clients start at once, browsers and interpreters among them, and sseclient-py joins 131,072
 * lines by the square of their number: 14 s of a core, 24 where they come compressed.
 */
export const PATIENCE_MS = 240_000;

/** An event as a client tells it. */
export interface ClientEvent {
  readonly event: string;
  readonly data: string;
  readonly id: string;
}

/** A client of others that reads a stream: a process that prints a line of JSON an event. */
export class ClientProcess implements AsyncDisposable {
  readonly events: ClientEvent[] = [];
  readonly #name: string;
  readonly #child: ChildProcess;
  readonly #growth = new Growth();
  readonly #closed: Promise<void>;
  #hasEnded = false;
  #complaints = '';

  constructor(name: string, command: Command, url: string) {
    const [file, ...args] = command;
    this.#name = name;
    const { PATH = '', HOME = '', CHROMIUM_PATH = '', TEST_FOLDER = '' } = process.env;
    const env = { PATH, HOME, CHROMIUM_PATH, TEST_FOLDER };
    // A group of its own: a shell is to end with what it has started.
    const child = spawn(file, [...args, url], { env, detached: true, stdio: 'pipe' });
    this.#child = child;
    createInterface({ input: child.stdout }).on('line', (line) => {
      // The last one may be half a line, of a client that is ended.
      if (line.endsWith('}')) this.events.push(JSON.parse(line));
      this.#growth.changed();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#complaints += text;
    });
    this.#closed = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => {
        this.#hasEnded = true;
        resolve();
        this.#growth.changed();
      });
    });
    this.#closed.catch(() => {});
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  /** Waits until `look` is true of its events, or until it has given up. */
  async until(what: string, look: () => boolean): Promise<void> {
    const told = (): string =>
      `${what} in ${this.#name}; its last events are ` +
      `${JSON.stringify(this.events.slice(-3)).slice(0, 500)}, on stderr ${this.#complaints.slice(-500)}`;
    const isOver = (): boolean => {
      if (look()) return true;
      // A driver ends with 0 where its client gives up.
      if (this.#hasEnded && this.#child.exitCode !== 0) throw new Error(`ended before ${told()}`);
      return this.#hasEnded;
    };
    await this.#growth.until(told, isOver, PATIENCE_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // Chromium's driver takes the browser with it.
      process.kill(-this.#child.pid!, 'SIGTERM');
    } catch {
      // All of it has ended.
    }
    await within(`the end of ${this.#name}`, this.#closed);
  }
}
