import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { copySources } from '../support/copy_sources.ts';
import { freePort, freePorts } from '../support/free_port.ts';
import { newFolder } from '../support/gateway.ts';
import { run, succeeded } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { Terminal } from '../support/terminal.ts';
import { IS_ALL } from '../support/tier.ts';
import { PAGES, Page } from './pages.ts';
import { PRINT_MS, type Surroundings, walk } from './walk.ts';

/** Pages of which every `bash` block is run. */
const WALKED = ['docs/quick_start.md', 'docs/use_from_a_program.md'];

/** It needs a cluster: `npm run test:cluster` goes that way. */
const ON_A_CLUSTER = 'docs/on_kubernetes.md';

/** Why some `bash` blocks are not run, by what they begin with. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm install eventsource': 'takes it from a registry: install_lines.test.ts',
  'pip install httpx httpx-sse': 'takes it from a registry: install_lines.test.ts',
  'npm ci && npm run build': 'would take node_modules away from here: install_lines.test.ts',
  'KAFKA_BROKERS=broker1:9092 MALLOC_ARENA_MAX=2':
    'has places to fill in; the tests run on Deno so',
  'curl -H "Authorization: Bearer $(cat token)"':
    'needs a gateway with a token file: test/contract/clients.test.ts',
  'npm install https://gateway.example/-/client.tgz':
    'has a gateway to fill in: test/client/package.test.ts installs it',
  'npm run --silent token': 'would sign in to a gateway on the usual ports: install/token.test.ts',
};

/** A compiler that the tests do not bring, and that takes long: its program runs where there is one. */
const GO = 'go run follow.go\n';

/** The same way as on Node, which `npm test` goes. */
const testOfAll = IS_ALL ? test : () => {};

describe('the commands of', () => {
  let clone!: string;
  beforeAll(async () => {
    clone = await newClone();
  });

  /** Settings with ports of the test, and the same put in the place of the documented ones. */
  async function ownPorts() {
    const kafkaPort = String(await freePort());
    const ports = await freePorts();
    const real: Readonly<Record<string, string>> = {
      8080: ports.HTTP_PORT,
      9090: ports.HTTPS_PORT,
      9091: ports.ADMIN_PORT,
      9092: kafkaPort,
    };
    return {
      env: { ...ports, EMBEDDED_KAFKA_PORT: kafkaPort },
      adapt: (text: string) => text.replaceAll(/(?<=localhost:)\d{4}\b/g, (port) => real[port]!),
    };
  }

  const README = new Page('README.md');
  const firstSteps = README.blocks[0]!.text.replaceAll(/ +# .*/g, '')
    .trim()
    .split('\n');

  test('README.md are the first of docs/quick_start.md', () => {
    const commands = new Page('docs/quick_start.md').blocks.map(({ text }) => text.trim());
    expect(firstSteps.map((line) => line.replace(' `date`', ''))).toEqual(
      commands.filter((text) => /^(npm|npx|echo) /.test(text)).slice(0, 4),
    );
  });

  // With the permissions of each gateway of the tests, which cannot ask for more.
  testOfAll(
    'README.md on Deno, in terminals, ask nothing',
    async () => {
      const [startKafka = '', start = '', sseCat = ''] = [
        ...README.prose.matchAll(/`(deno task [^`]+)`/g),
      ].map(([, command]) => command!);
      const { env, adapt } = await ownPorts();
      const PATH = `${join(CLONE, 'node_modules', '.bin')}:${process.env['PATH']}`;
      const options = { cwd: CLONE, env: { ...env, PATH } };
      const shell = (command: string) => ['bash', '--norc', '-c', adapt(command)] as const;
      const publish = async (text: string) => {
        const command = firstSteps[3]!.replace('Hello, world', text);
        succeeded(command, await run(shell(command), options, PRINT_MS));
      };
      try {
        await using kafka = new Terminal(shell(startKafka), options);
        const code = await kafka.ended(PRINT_MS);
        succeeded(startKafka, { code, stdout: kafka.stdout, stderr: '' });
        await using first = new Terminal(shell(start), options);
        await first.printed('Ready: ', PRINT_MS);
        await using follower = new Terminal(shell(sseCat), options);
        await publish('Hello at once');
        await follower.printed('Hello at once', PRINT_MS);
        first.interrupt();
        await first.ended(PRINT_MS);
        await publish('Hello meanwhile');
        await using second = new Terminal(shell(start), options);
        await follower.printed('Hello meanwhile', PRINT_MS);
        for (const terminal of [second, follower]) {
          terminal.interrupt();
          await terminal.ended(PRINT_MS);
        }
      } finally {
        const reset = 'deno task kafka reset';
        succeeded(reset, await run(shell(reset), options, PRINT_MS));
        const folder = join(CLONE, '.data', 'kafka', env.EMBEDDED_KAFKA_PORT);
        await rm(folder, { recursive: true, force: true });
      }
    },
    480_000,
  );

  test('docs/quick_start.md and docs/use_from_a_program.md print what is said there', async () => {
    const { env, adapt } = await ownPorts();
    const hasGo = IS_ALL && (await run(['sh', '-c', 'command -v go'])).code === 0;
    const surroundings: Surroundings = {
      folder: clone,
      env: { ...env, PATH: `${join(PYTHON, '..')}:${process.env['PATH']}` },
      adapt,
      leftOut: (command) => isNotRun(command) || (command === GO && !hasGo),
    };
    await using ___ = {
      [Symbol.asyncDispose]: async () => {
        await run(['npm', 'run', 'kafka', '--', 'stop'], { cwd: clone, env }, PRINT_MS);
      },
    };
    const [first, second] = WALKED.map((path) => new Page(path));
    await using _ = await walk(first!, surroundings);
    await using __ = await walk(second!, surroundings);
  }, 480_000);

  test('all pages of docs/ are run, or it is said why not', () => {
    const elsewhere = [...WALKED, ON_A_CLUSTER];
    const blocks = PAGES.filter(({ path }) => path.startsWith('docs/') && !elsewhere.includes(path))
      .flatMap(({ blocks }) => blocks)
      .filter(({ language }) => language === 'bash');
    expect(blocks.map(({ text }) => text).filter((text) => !isNotRun(text))).toEqual([]);
    const commands = PAGES.flatMap(({ blocks }) => blocks.map(({ text }) => text));
    for (const begin of Object.keys(NOT_RUN)) {
      expect([begin, commands.some((text) => text.startsWith(begin))]).toEqual([begin, true]);
    }
  });
});

function isNotRun(command: string): boolean {
  return Object.keys(NOT_RUN).some((begin) => command.startsWith(begin));
}

/** A clone in which everything is installed and nothing built: `npm start` builds in it. */
async function newClone(): Promise<string> {
  const clone = await newFolder();
  await copySources(clone);
  for (const name of ['node_modules', '.cache', 'examples'])
    await symlink(join(CLONE, name), join(clone, name));
  return clone;
}
