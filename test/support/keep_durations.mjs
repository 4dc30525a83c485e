/**
 * Writes `durations.json`, by which the test files are put in order, from what the last run took. To
 * be run by hand after a run of all on a machine that does nothing else:
 *
 *     node test/support/keep_durations.mjs
 */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = new URL('../../', import.meta.url);
const DURATIONS = new URL('durations.json', import.meta.url);

/** @type {Record<string, number>} */
const durations = JSON.parse(readFileSync(DURATIONS, 'utf8'));
/** @type {Record<string, { seconds: number }>} */
const times = JSON.parse(readFileSync(new URL('.cache/test_times.json', ROOT), 'utf8'));
for (const [file, { seconds }] of Object.entries(times)) durations[file] = Math.ceil(seconds);
const kept = Object.entries(durations)
  .filter(([file]) => existsSync(fileURLToPath(new URL(file, ROOT))))
  .sort(([a], [b]) => (a < b ? -1 : 1));
writeFileSync(DURATIONS, `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
