/** Notes what the worker and the programs that it started have computed when a file begins and ends. */

import { existsSync, readFileSync } from 'node:fs';
import process from 'node:process';
import { afterAll } from '@jest/globals';
import { noteTime } from './times.ts';

const STAT = '/proc/self/stat';
/** USER_HZ: the same on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

noteProcessorTime();
afterAll(noteProcessorTime);

function noteProcessorTime(): void {
  if (!existsSync(STAT)) return;
  // Behind the name in brackets; utime, stime and those of the children that have ended.
  const fields = readFileSync(STAT, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
  noteTime(() => ({ worker: process.pid, processorSeconds: ticks / TICKS_PER_SECOND }));
}
