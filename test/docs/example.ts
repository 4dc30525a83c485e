import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { newFolder } from '../support/gateway.ts';
import { type Command, Program, run, succeeded } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { Page } from './pages.ts';

/** Of a registry, and of a virtual environment. */
const INSTALL_MS = 480_000;

/** A folder of `examples/` on a machine that has nothing of it, with a gateway of the test. */
export class Example {
  readonly folder: string;
  /** The lines of its README. */
  readonly #commands: readonly string[];
  readonly #gateway: string;

  /** @param gateway takes the place of `http://localhost:8080` */
  static async copy(name: string, gateway: string): Promise<Example> {
    const folder = join(await newFolder(), name);
    await cp(join(CLONE, 'examples', name), folder, {
      recursive: true,
      filter: (path) => !/\/(node_modules|\.venv|dist)$/.test(path),
    });
    const [block] = new Page(`examples/${name}/README.md`).blocks;
    const example = new Example(folder, block!.text.trim().split('\n'), gateway);
    await example.#adapt('package.json').catch(() => {});
    return example;
  }

  private constructor(folder: string, commands: readonly string[], gateway: string) {
    this.folder = folder;
    this.#commands = commands;
    this.#gateway = gateway;
  }

  /** What to type last. */
  get command(): string {
    return this.#here(this.#commands.at(-1)!);
  }

  /** Types all but the last line, or those of them that a pattern matches. */
  async install(lines = /^/): Promise<void> {
    const script = this.#commands.slice(0, -1).filter((line) => lines.test(line));
    if (script.length > 0) await this.run(script.join('\n'));
  }

  /** Runs a command to its end. */
  async run(script: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
    const command: Command = ['bash', '--norc', '-e', '-c', script];
    succeeded(script, await run(command, this.#options(env), INSTALL_MS));
  }

  /** Starts what does not end by itself. */
  start(command: string, env: Readonly<Record<string, string>> = {}): Program {
    return new Program(['bash', '--norc', '-c', `exec ${command}`], this.#options(env));
  }

  #options(env: Readonly<Record<string, string>>) {
    const places = [join(this.folder, '.venv', 'bin'), join(PYTHON, '..'), process.env['PATH']];
    const quiet = { npm_config_audit: 'false', npm_config_update_notifier: 'false' };
    return { cwd: this.folder, env: { PATH: places.join(':'), ...quiet, ...env } };
  }

  #here(text: string): string {
    return text.replaceAll('http://localhost:8080', this.#gateway);
  }

  async #adapt(name: string): Promise<void> {
    const file = join(this.folder, name);
    await writeFile(file, this.#here(await readFile(file, 'utf8')));
  }
}
