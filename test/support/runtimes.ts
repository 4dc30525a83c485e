import { join } from 'node:path';
import process from 'node:process';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import type { Command } from './program.ts';

/** A runtime that the gateway runs on, by the commands that start it there. */
export interface Runtime {
  readonly name: string;
  /** For a gateway whose settings name brokers. */
  readonly gateway: Command;
  /** For one that starts the embedded Kafka. */
  readonly gatewayAndKafka: Command;
  readonly sseCat: Command;
}

/** Another folder than `dist/` while somebody else builds there. */
const DIST = process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist');

const SSE_CAT = join(CLONE, 'sse_cat', 'sse-cat.mjs');

/** As `npm start` does it. */
const NODE_SETTINGS = ['MALLOC_ARENA_MAX=2'];

const START = join(DIST, 'runtime', 'start.cjs');
const NODE_GATEWAY: Command = [
  'env',
  ...NODE_SETTINGS,
  process.execPath,
  '--max-semi-space-size=4',
  START,
];

export const NODE: Runtime = {
  name: 'Node',
  gateway: NODE_GATEWAY,
  gatewayAndKafka: NODE_GATEWAY,
  sseCat: [process.execPath, SSE_CAT],
};

/** As each start of Deno has it, for a shell. */
export const DENO_ENVIRONMENT = [
  'MALLOC_ARENA_MAX=2',
  'MALLOC_MMAP_THRESHOLD_=32768',
  'DENO_V8_FLAGS=--max-semi-space-size=4,--heap-growing-percent=50',
  'OPEN_FILES=$(ulimit -Hn)',
] as const;
const IN_ENVIRONMENT = ['sh', '-c', `exec env ${DENO_ENVIRONMENT.join(' ')} "$@"`, 'sh'] as const;
const DENO_PROGRAM = join(CLONE, 'node_modules', '.bin', 'deno');
const DENO_SETTINGS = ['--quiet', '--no-prompt', `--config=${join(CLONE, 'deno.json')}`];

/** As `deno task` does it, but that a gateway's `.env` and data lie in a folder of the test's. */
function denoRun(permissions: readonly string[], script: string): Command {
  const file = join(CLONE, script);
  const run = [DENO_PROGRAM, 'run', ...DENO_SETTINGS];
  return [...IN_ENVIRONMENT, ...run, ...permissions, file];
}

const FOLDER = process.env['TEST_FOLDER']!;
const READ = `--allow-read=${CLONE},${FOLDER}`;
const WRITE = `--allow-write=${FOLDER}`;
const WRITE_KAFKA = `${WRITE},${join(CLONE, '.cache')},${join(CLONE, '.data')}`;

export const DENO: Runtime = {
  name: 'Deno',
  gateway: denoRun(['--permission-set=gateway', READ, WRITE], join('runtime', 'deno.ts')),
  gatewayAndKafka: denoRun(
    ['--permission-set=gateway-and-kafka', READ, WRITE_KAFKA],
    join('runtime', 'deno.ts'),
  ),
  sseCat: denoRun(['--permission-set=sse-cat'], join('sse_cat', 'sse-cat.mjs')),
};

export const RUNTIMES = [NODE, DENO];
