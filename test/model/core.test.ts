import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { compile } from '../support/compile.mjs';
import { IS_ALL } from '../support/tier.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', `model-${process.pid}`);
/** The scenario with this seed is the first; the next ones count up. */
const FIRST_SEED = Number(process.env['MODEL_SEED'] ?? 1);
/** From so many on everything that can happen to a client happens. */
const MANY_RUNS = 100;
const RUNS = Number(process.env['MODEL_RUNS'] ?? (IS_ALL ? 10_000 : MANY_RUNS));
/** Those with users, tokens and rights take ten times as long. */
const MANY_RIGHTS_RUNS = 16;
const RIGHTS_RUNS = Number(process.env['MODEL_RUNS'] ?? (IS_ALL ? 1000 : MANY_RIGHTS_RUNS));
/** Lines of a failed scenario that are shown. */
const LINES = Number(process.env['MODEL_LINES'] ?? 60);
/** Those of several topics take twice as long. */
const MANY_SEVERAL_RUNS = 300;
const SEVERAL_RUNS = Number(process.env['MODEL_RUNS'] ?? (IS_ALL ? 3000 : 20));
/** A few scenarios take most of their time until the code is quick, in each of them. */
const PROCESSES = IS_ALL ? 2 : 1;
const KINDS = [
  'streams',
  'message',
  'delete',
  'leave',
  'live',
  'beat',
  'stale',
  'fresh',
  'place',
  'id only',
  'gap retention',
  'gap truncated',
  'gap recreated',
  'gap unreadable-cursor',
  'gap deletes',
  'gap view',
  'reload',
];
const RIGHTS_KINDS = [
  'streams',
  'records',
  'expired',
  'cuts',
  'missing',
  'invalid',
  'unavailable',
  'forbidden',
  'not found',
];
/** As of one topic, but that beats are not looked at; and that clients read with others. */
const SEVERAL_KINDS = [...KINDS.filter((kind) => kind !== 'beat'), 'joined', 'fell_back'];
let script: string;
/** Ten times what a scenario takes on a slow machine. */
const MAX_MS = 300_000 + RUNS * 250;

test(
  'Feed gives every client what the contract says, whatever happens',
  async () => {
    const kinds = await runAll(RUNS);
    if (RUNS >= MANY_RUNS) expect(kinds.sort()).toEqual([...KINDS].sort());
  },
  MAX_MS,
);

test(
  'SeveralTopics gives every client of each topic what one of that topic gets, with one id for all',
  async () => {
    const kinds = await runAll(SEVERAL_RUNS, 'several');
    if (SEVERAL_RUNS >= MANY_SEVERAL_RUNS) expect(kinds.sort()).toEqual(SEVERAL_KINDS.sort());
  },
  MAX_MS,
);

test(
  'Gateway gives everybody what their rights let them have, as long as their tokens count',
  async () => {
    const kinds = await runAll(RIGHTS_RUNS, 'rights');
    if (RIGHTS_RUNS >= MANY_RIGHTS_RUNS) expect(kinds.sort()).toEqual([...RIGHTS_KINDS].sort());
  },
  MAX_MS,
);

/** @returns all that happened */
async function runAll(runs: number, ...kind: readonly string[]): Promise<string[]> {
  const started = performance.now();
  const share = Math.ceil(runs / PROCESSES);
  const shares = Array.from({ length: PROCESSES }, (_, part) => {
    const begin = Math.min(runs, part * share);
    return run([FIRST_SEED + begin, Math.min(share, runs - begin), LINES, ...kind]);
  });
  const counts = new Map<string, number>();
  for (const some of await Promise.all(shares)) {
    for (const [name, count] of Object.entries(some)) {
      counts.set(name, (counts.get(name) ?? 0) + count);
    }
  }
  const rate = (runs * 1000) / (performance.now() - started);
  const total = [...counts].map(([name, count]) => `${count} ${name}`).join(', ');
  console.info(`${runs} scenarios from seed ${FIRST_SEED}, ${rate.toFixed(0)} a second: ${total}`);
  return [...counts.keys()];
}

beforeAll(() => {
  script = compile(ROOT, 'test/model/run.ts', FOLDER);
});
afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** What happened how often; rejects with the scenario that failed. */
function run(args: readonly (string | number)[]): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    const options = { timeout: MAX_MS, maxBuffer: 2 ** 26 };
    execFile(process.execPath, [script, ...args.map(String)], options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(new Error(`${stdout}${stderr}` || error.message));
    });
  });
}
