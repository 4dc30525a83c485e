import { cp, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/kafka/embedded/clone.ts';
import { freePort } from '../support/free_port.ts';
import { freePorts, newFolder } from '../support/gateway.ts';
import { run } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { PAGES, Page } from './pages.ts';
import { type Surroundings, walk } from './walk.ts';

/** Pages of which every `bash` block is run. */
const WALKED = ['docs/quick_start.md', 'docs/use_from_a_program.md'];

/** It needs a cluster: `npm run test:cluster` goes that way. */
const ON_A_CLUSTER = 'docs/on_kubernetes.md';

/** Why some `bash` blocks are not run, by what they begin with. */
const NOT_RUN: Readonly<Record<string, string>> = {
  'npm install eventsource': 'takes it from a registry; the clone has it',
  'pip install httpx-sse': 'takes it from a registry; the Python of the tests has it',
  'npm ci && npm run build':
    'would take node_modules away from the tests that run; they run dist/ so',
  'KAFKA_BROKERS=broker1:9092 MALLOC_ARENA_MAX=2':
    'has places to fill in; the tests run on Deno so',
};

/** A compiler that the tests do not bring: its program runs where there is one. */
const GO = 'go run follow.go\n';

describe('the commands of', () => {
  test('docs/quick_start.md and docs/use_from_a_program.md print what is said there', async () => {
    const kafkaPort = await freePort();
    const ports = await freePorts();
    const real: Readonly<Record<string, string>> = {
      8080: ports.HTTP_PORT,
      9090: ports.HTTPS_PORT,
      9091: ports.ADMIN_PORT,
      9092: String(kafkaPort),
    };
    const hasGo = (await run(['sh', '-c', 'command -v go'])).code === 0;
    const surroundings: Surroundings = {
      folder: await newClone(),
      env: {
        ...ports,
        EMBEDDED_KAFKA_PORT: String(kafkaPort),
        PATH: `${join(PYTHON, '..')}:${process.env['PATH']}`,
      },
      adapt: (text) => text.replaceAll(/(?<=localhost:)\d{4}\b/g, (port) => real[port]!),
      leftOut: (command) => isNotRun(command) || (command === GO && !hasGo),
    };
    const [first, second] = WALKED.map((path) => new Page(path));
    await using _ = await walk(first!, surroundings);
    await using __ = await walk(second!, surroundings);
  }, 240_000);

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
  const copied = ['app', 'runtime', 'public', 'package.json', 'package-lock.json'];
  for (const name of [...copied, 'tsconfig.base.json', 'tsconfig.build.json']) {
    await cp(join(CLONE, name), join(clone, name), { recursive: true });
  }
  for (const name of ['node_modules', '.cache'])
    await symlink(join(CLONE, name), join(clone, name));
  return clone;
}
