import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { withFileLock } from './file_lock.ts';
import { identityOf } from './process_identity.ts';

let folder: string;
let lock: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'file-lock-'));
  lock = join(folder, 'lock');
});
afterEach(() => rmSync(folder, { recursive: true }));

const signal = (): AbortSignal => AbortSignal.timeout(90_000);
const quiet = (): void => {};

test('withFileLock() lets one in at a time, and leaves nothing', async () => {
  let inside = 0;
  let most = 0;
  const all = Array.from({ length: 8 }, () =>
    withFileLock(lock, signal(), quiet, async () => {
      most = Math.max(most, ++inside);
      await new Promise(setImmediate);
      inside -= 1;
    }),
  );
  await Promise.all(all);
  expect(most).toBe(1);
  expect(readdirSync(folder)).toEqual([]);
});

test('withFileLock() is let go when the action fails', async () => {
  const failed = withFileLock(lock, signal(), quiet, () => Promise.reject(new Error('no')));
  await expect(failed).rejects.toThrow('no');
  expect(await withFileLock(lock, signal(), quiet, async () => 'in')).toBe('in');
});

test.each([
  ['of a process that was killed', `${process.pid}-1 some-token`],
  ['that holds anything', 'x'],
  ['that is empty', ''],
])('withFileLock() breaks a lock %s, for one of many that wait', async (_, content) => {
  writeFileSync(lock, content);
  let inside = 0;
  const all = Array.from({ length: 8 }, () =>
    withFileLock(lock, signal(), quiet, async () => {
      expect(++inside).toBe(1);
      await new Promise(setImmediate);
      inside -= 1;
    }),
  );
  await Promise.all(all);
  expect(readdirSync(folder)).toEqual([]);
});

test('withFileLock() breaks the lock of one who was killed while breaking a lock', async () => {
  writeFileSync(lock, `${process.pid}-1 first`);
  writeFileSync(`${lock}.first`, `${process.pid}-2 second`);
  expect(await withFileLock(lock, signal(), quiet, async () => 'in')).toBe('in');
  expect(readdirSync(folder)).toEqual([]);
});

test('withFileLock() says once for whom it waits, and ends when the signal aborts', async () => {
  writeFileSync(lock, `${identityOf(process.pid)} token`);
  const abort = new AbortController();
  const lines: string[] = [];
  const waiting = withFileLock(
    lock,
    abort.signal,
    (line) => {
      lines.push(line);
      abort.abort();
    },
    async () => 'in',
  );
  await expect(waiting).rejects.toThrow(/abort/i);
  expect(lines).toEqual([`waiting for process ${process.pid} (${lock})`]);
});
