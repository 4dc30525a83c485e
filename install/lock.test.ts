import { existsSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { withLock } from './lock.mjs';

describe('withLock()', () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'lock-'));
    file = join(folder, 'deep', 'install.lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('runs one action at a time', async () => {
    let running = 0;
    let most = 0;
    const action = async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 10));
      running -= 1;
    };
    await Promise.all([withLock(file, action), withLock(file, action), withLock(file, action)]);
    expect(most).toBe(1);
    expect(existsSync(file)).toBe(false);
  });

  test('frees the lock when the action fails', async () => {
    const failing = withLock(file, async () => {
      throw new Error('no space left');
    });
    await expect(failing).rejects.toThrow('no space left');
    expect(existsSync(file)).toBe(false);
  });

  test('takes over what a killed process left', async () => {
    await withLock(file, async () => {});
    writeFileSync(file, '4711 left over');
    const longAgo = new Date(Date.now() - 3_600_000);
    utimesSync(file, longAgo, longAgo);
    let held = '';
    await withLock(file, async () => {
      held = readFileSync(file, 'utf8');
    });
    expect(held).toMatch(new RegExp(`^${process.pid} `));
    expect(existsSync(file)).toBe(false);
  });

  test('gives up at its deadline and names the file', async () => {
    await withLock(file, async () => {
      await expect(withLock(file, async () => {}, 0)).rejects.toThrow(file);
    });
  });
});
