import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import process from 'node:process';
import { Growth, within } from './deadline.ts';

/** A command and its arguments. */
export type Command = readonly [string, ...string[]];

export interface ProgramOptions {
  readonly cwd?: string;
  /** Takes the place of the environment, but for PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>;
  /** What it reads on stdin; `null`: what `type()` gives it. */
  readonly input?: string | Uint8Array | null;
}

/** What every program of a run has; by TEST_FOLDER it is found where a case has left it behind. */
const ENVIRONMENT = pick(process.env, ['PATH', 'HOME', 'TEST_FOLDER']);

/** A program that runs; ended with its case, or with the whole run at the latest. */
export class Program implements AsyncDisposable {
  readonly name: string;
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #growth = new Growth();
  readonly #ended: Promise<void>;
  #stdout: Uint8Array = new Uint8Array(0);
  #stderr = '';
  /** Whether it has ended and all that it printed was read, which comes later. */
  #isClosed = false;

  constructor(command: Command, options: ProgramOptions = {}) {
    const [file, ...args] = command;
    this.name = file;
    const child = spawn(file, args, {
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
      env: { ...ENVIRONMENT, ...options.env },
      stdio: 'pipe',
    });
    this.#child = child;
    child.stdin.on('error', () => {}); // It ended without reading all of it.
    if (options.input !== null) child.stdin.end(options.input ?? '');
    child.stdout.on('data', (bytes: Buffer) => {
      this.#stdout = Buffer.concat([this.#stdout, bytes]);
      this.#growth.changed();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr += text;
      this.#growth.changed();
    });
    this.#ended = new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', () => {
        this.#isClosed = true;
        resolve();
        this.#growth.changed();
      });
    });
    this.#ended.catch(() => {}); // It is told to who waits for it.
  }

  get pid(): number {
    return this.#child.pid!;
  }

  get stdout(): Buffer {
    return Buffer.from(this.#stdout);
  }

  get stderr(): string {
    return this.#stderr;
  }

  get hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  /** Waits for a text on stdout. */
  async printed(text: string, ms?: number): Promise<void> {
    await this.#until(`${JSON.stringify(text)} on stdout`, () => this.stdout.includes(text), ms);
  }

  /** Waits for a text on stderr. */
  async complained(text: string, ms?: number): Promise<void> {
    await this.#until(`${JSON.stringify(text)} on stderr`, () => this.#stderr.includes(text), ms);
  }

  /** Waits for the end. @returns the exit code; `null` after a signal. */
  async ended(ms?: number): Promise<number | null> {
    await within(() => this.#told('its end'), this.#ended, ms);
    return this.#child.exitCode;
  }

  /** Waits for an end with the code 0. @throws an error with its last lines where it is another one. */
  async endsWell(): Promise<void> {
    const code = await this.ended();
    succeeded(this.name, { code, stdout: this.stdout, stderr: this.#stderr });
  }

  /** Adds to what it reads on stdin. */
  type(text: string): void {
    this.#child.stdin.write(text);
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.ended();
  }

  async #until(what: string, look: () => boolean, ms?: number): Promise<void> {
    const label = (): string => this.#told(what);
    const found = (): true | null => {
      if (look()) return true;
      if (this.#isClosed) throw new Error(`it ended before ${label()}`);
      return null;
    };
    await this.#growth.until(label, found, ms);
  }

  #told(what: string): string {
    const { name, stdout, stderr } = this;
    return `${what} of ${name}; it printed ${JSON.stringify(`${stdout}`)} and ${stderr}`;
  }
}

/** What a program left. */
export interface Outcome {
  readonly code: number | null;
  readonly stdout: Buffer;
  readonly stderr: string;
}

/** Runs a program to its end, or for so many milliseconds. */
export async function run(
  command: Command,
  options?: ProgramOptions,
  ms?: number,
): Promise<Outcome> {
  await using program = new Program(command, options);
  const code = await program.ended(ms);
  const { stdout, stderr } = program;
  return { code, stdout, stderr };
}

/** Lines of a program's output that stand in a failure. */
const LAST_LINES = 40;

/**
 * What a program left that has ended well.
 * @throws an error with its last lines where it has not.
 */
export function succeeded(what: string, outcome: Outcome): Outcome {
  return endedWith(0, what, outcome);
}

/**
 * What a program left that has ended with this code.
 * @throws an error with its last lines where it has not.
 */
export function endedWith(expected: number, what: string, outcome: Outcome): Outcome {
  const { code, stdout, stderr } = outcome;
  if (code === expected) return outcome;
  const last = `${stdout}${stderr}`.trimEnd().split('\n').slice(-LAST_LINES).join('\n');
  throw new Error(`${what} ended with ${code}: ${last}`);
}

function pick(env: NodeJS.ProcessEnv, names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, env[name] ?? '']));
}
