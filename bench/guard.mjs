/**
 * Ends all that a benchmark left behind, once the pipe from it closes: the kernel does that when
 * the benchmark dies, of SIGKILL too.
 *
 *     node guard.mjs FOLDER
 *
 * All its processes have BENCH_FOLDER=FOLDER in their environment, as they got it from whoever
 * started them.
 */

import { readdirSync, readFileSync, rmSync } from 'node:fs';
import process from 'node:process';

const folder = process.argv[2] ?? '';

/** @param {string} pid */
function isOurs(pid) {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`BENCH_FOLDER=${folder}\0`);
  } catch {
    return false; // It has ended, or is no process.
  }
}

process.stdin.resume().on('close', () => {
  for (const pid of readdirSync('/proc').filter(isOurs)) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has ended since.
    }
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
});
