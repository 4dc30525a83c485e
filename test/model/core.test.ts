import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from '@jest/globals';
import { compile } from '../support/compile.mjs';
import { IS_ALL } from '../support/tier.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = join(ROOT, '.cache', `model-${process.pid}`);
/** The scenario with this seed is the first; the next ones count up. */
const FIRST_SEED = Number(process.env['MODEL_SEED'] ?? 1);
/** From so many on everything that can happen to a client happens. */
const MANY_RUNS = 500;
const RUNS = Number(process.env['MODEL_RUNS'] ?? (IS_ALL ? 10_000 : MANY_RUNS));
/** Lines of a failed scenario that are shown. */
const LINES = Number(process.env['MODEL_LINES'] ?? 60);
const PROCESSES = 2;
const KINDS = [
  'streams',
  'message',
  'delete',
  'live',
  'stale',
  'fresh',
  'place',
  'id only',
  'gap retention',
  'gap truncated',
  'gap recreated',
  'gap unreadable-cursor',
  'gap deletes',
];
/** Ten times what a scenario takes on a slow machine. */
const MAX_MS = 300_000 + RUNS * 250;

test(
  'Feed gives every client what the contract says, whatever happens',
  async () => {
    const script = compile(ROOT, 'test/model/run.ts', FOLDER);
    const started = performance.now();
    const share = Math.ceil(RUNS / PROCESSES);
    const shares = Array.from({ length: PROCESSES }, (_, part) => {
      const begin = Math.min(RUNS, part * share);
      return run(script, FIRST_SEED + begin, Math.min(share, RUNS - begin));
    });
    const counts = new Map<string, number>();
    for (const some of await Promise.all(shares)) {
      for (const [kind, count] of Object.entries(some)) {
        counts.set(kind, (counts.get(kind) ?? 0) + count);
      }
    }
    const rate = (RUNS * 1000) / (performance.now() - started);
    const total = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
    console.info(
      `${RUNS} scenarios from seed ${FIRST_SEED}, ${rate.toFixed(0)} a second: ${total}`,
    );
    if (RUNS >= MANY_RUNS) expect([...counts.keys()].sort()).toEqual([...KINDS].sort());
  },
  MAX_MS,
);

afterAll(() => rmSync(FOLDER, { recursive: true, force: true }));

/** What happened how often; rejects with the scenario that failed. */
function run(script: string, first: number, runs: number): Promise<Record<string, number>> {
  return new Promise((resolve, reject) => {
    const args = [script, `${first}`, `${runs}`, `${LINES}`];
    const options = { timeout: MAX_MS, maxBuffer: 2 ** 26 };
    execFile(process.execPath, args, options, (error, stdout, stderr) => {
      if (error === null) resolve(JSON.parse(stdout));
      else reject(new Error(`${stdout}${stderr}` || error.message));
    });
  });
}
