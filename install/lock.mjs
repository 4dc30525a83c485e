import {
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PrepareError, say } from './say.mjs';

/** The owner touches the file this often ... */
const BEAT_MS = 1_000;
/** ... and one not touched for this long was left by a process that was killed. */
const STALE_MS = 6_000;
/** Longer than the slowest install seen, by far. */
const DEADLINE_MS = 30 * 60_000;
const POLL_MS = 200;

/**
 * Runs the action while no other process runs one under the same lock file. A file kept fresh
 * is used, not the owner's pid: a pid says nothing across containers that share a clone, and may
 * be somebody else's after a reboot.
 *
 * @param {string} file
 * @param {() => Promise<void>} action
 * @param {number} [deadlineMs] how long to wait for the owner
 */
export async function withLock(file, action, deadlineMs = DEADLINE_MS) {
  const token = `${process.pid} ${Date.now()} ${Math.random()}\n`;
  mkdirSync(dirname(file), { recursive: true });
  await take(file, token, deadlineMs);

  const beat = setInterval(() => {
    // Lost after a long pause (Ctrl-Z): who holds it now must not be disturbed.
    if (read(file) !== token) {
      say('another start took over here; this one ends');
      process.exit(1);
    }
    const now = new Date();
    utimesSync(file, now, now);
  }, BEAT_MS);
  const free = () => {
    if (read(file) === token) {
      rmSync(file, { force: true });
    }
  };
  const endings = /** @type {const} */ ([
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ]).map(([signal, number]) => /** @type {const} */ ([signal, () => process.exit(128 + number)]));
  process.once('exit', free);
  for (const [signal, end] of endings) {
    process.on(signal, end);
  }
  try {
    await action();
  } finally {
    clearInterval(beat);
    free();
    process.off('exit', free);
    for (const [signal, end] of endings) {
      process.off(signal, end);
    }
  }
}

/**
 * @param {string} file
 * @param {string} token
 * @param {number} deadlineMs
 */
async function take(file, token, deadlineMs) {
  const start = Date.now();
  let told = false;
  for (;;) {
    try {
      writeFileSync(file, token, { flag: 'wx' });
      return;
    } catch (error) {
      if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'EEXIST') {
        throw error;
      }
    }
    const age = ageOf(file);
    if (age > STALE_MS) {
      setAside(file, token);
      continue;
    }
    if (Date.now() - start > deadlineMs) {
      throw new PrepareError(`another start holds ${file}: wait for it, or remove that file`);
    }
    if (!told) {
      told = true;
      say('waiting for another start in this clone (a few seconds if that one was killed)');
    }
    await sleep(POLL_MS);
  }
}

/**
 * By rename, so that of two processes that find the same stale file only one removes it.
 *
 * @param {string} file
 * @param {string} token
 */
function setAside(file, token) {
  const aside = `${file}.${token.split(' ')[0]}`;
  try {
    renameSync(file, aside);
  } catch {
    return; // somebody else was faster
  }
  rmSync(aside, { force: true });
}

/** @param {string} file */
function ageOf(file) {
  return Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
}

/** @param {string} file */
function read(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
