import { existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { which } from '../../install/tools.mjs';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { type Outcome, Program, run, succeeded } from '../support/program.ts';

const STUBBED = ['kubectl', 'helm', 'docker', 'kind', 'minikube', 'nc', 'load-image'];
const REAL = ['bash', 'dirname', 'jq', 'mkdir', 'ps', 'rm', 'sleep', 'tail', 'touch'];
const COPIED = ['setup.sh', 'teardown.sh', 'helm/port_forwards.sh', 'package.json'];

/** A clone with the scripts, on a machine of which the tools are stubs: see `stub_tool`. */
export class StubMachine implements AsyncDisposable {
  readonly #folder: string;

  /** @param missing tools that are not installed */
  static async make(...missing: readonly string[]): Promise<StubMachine> {
    const folder = await mkdtemp(join(tmpdir(), 'stub-machine-'));
    await mkdir(join(folder, 'bin'));
    await mkdir(join(folder, 'helm'));
    for (const file of COPIED) await copyFile(join(CLONE, file), join(folder, file));
    const link = async (tool: string, target: string): Promise<void> => {
      if (!missing.includes(tool)) await symlink(target, join(folder, 'bin', tool));
    };
    const stub = join(CLONE, 'test', 'scripts', 'stub_tool');
    for (const tool of STUBBED) await link(tool, stub);
    for (const tool of REAL) await link(tool, which(tool, process.env)!);
    // The stubs themselves begin with it.
    await symlink(which('env', process.env)!, join(folder, 'bin', 'env'));
    return new StubMachine(folder);
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Runs a script of the clone. */
  run(
    script: 'setup.sh' | 'teardown.sh',
    env: Record<string, string> = {},
    ...args: readonly string[]
  ): Promise<Outcome> {
    return run([join(this.#folder, 'bin', 'bash'), join(this.#folder, script), ...args], {
      env: { ...this.#env, ...env },
    });
  }

  /** Runs a script that is to end well. */
  async succeed(...args: Parameters<StubMachine['run']>): Promise<Outcome> {
    return succeeded(args[0], await this.run(...args));
  }

  /** Starts a tool as somebody else would. */
  start(tool: string, ...args: readonly string[]): Program {
    return new Program([join(this.#folder, 'bin', tool), ...args], { env: this.#env });
  }

  /** Commands that were called, but for the waiting; from a call on. */
  async calls(from = 0): Promise<string[]> {
    const file = join(this.#folder, 'calls');
    const lines = existsSync(file) ? (await readFile(file, 'utf8')).trimEnd().split('\n') : [];
    return lines.filter((line) => !line.startsWith('nc ')).slice(from);
  }

  /** Ports that are listened on. */
  async ports(): Promise<string[]> {
    const names = await readdir(this.#folder);
    return names.flatMap((name) => /^port-(\d+)$/.exec(name)?.[1] ?? []).sort();
  }

  async untilPorts(...expected: readonly string[]): Promise<void> {
    await eventually(
      `the ports ${expected}`,
      async () => (await this.ports()).join() === expected.join(),
    );
  }

  /** Has somebody else listen on a port. */
  async listen(port: string): Promise<void> {
    await writeFile(join(this.#folder, `port-${port}`), '');
  }

  /** Notes a context as setup.sh does. */
  async noteContext(name: string): Promise<void> {
    await mkdir(join(this.#folder, '.data'), { recursive: true });
    await writeFile(join(this.#folder, '.data', 'context'), `${name}\n`);
  }

  /** The cluster then has a namespace of the name that setup.sh gives. */
  async makeNamespace(): Promise<void> {
    await writeFile(join(this.#folder, 'namespace'), '');
  }

  /** The pids of the port-forwards that setup.sh keeps; `null` without the file. */
  async pids(): Promise<number[] | null> {
    const file = join(this.#folder, '.data', 'port-forwards');
    if (!existsSync(file)) return null;
    return (await readFile(file, 'utf8')).trim().split('\n').map(Number);
  }

  async writePids(...pids: readonly number[]): Promise<void> {
    await mkdir(join(this.#folder, '.data'), { recursive: true });
    await writeFile(join(this.#folder, '.data', 'port-forwards'), `${pids.join('\n')}\n`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const pid of (await this.pids()) ?? []) {
      try {
        process.kill(pid);
      } catch {
        // It has ended.
      }
    }
    await rm(this.#folder, { recursive: true, force: true });
  }

  get #env(): Record<string, string> {
    return {
      PATH: join(this.#folder, 'bin'),
      STUBS: this.#folder,
      CONTEXT: 'docker-desktop',
    };
  }
}
