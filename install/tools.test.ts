import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { COMPILE_TOOLS, javaVersion, TEST_TOOLS, which } from './tools.mjs';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tools-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A file that can be run, or not. */
function file(path: string, mode = 0o755, text = ''): string {
  const full = join(folder, path);
  mkdirSync(join(full, '..'), { recursive: true });
  writeFileSync(full, text);
  chmodSync(full, mode);
  return full;
}

const says = (stderr: string) => async () => ({ ok: true, stdout: '', stderr });
const never = async (command: string) => {
  throw new Error(`${command} was started`);
};

describe('which()', () => {
  test('takes the first on PATH that can be run', () => {
    file('a/kcat', 0o644);
    const found = file('b/kcat');
    file('c/kcat');
    const PATH = ['a', 'b', 'c'].map((name) => join(folder, name)).join(':');
    expect(which('kcat', { PATH })).toBe(found);
  });

  test('is null without PATH, and never looks into the current folder', () => {
    expect(which('kcat', {})).toBeNull();
    expect(which('package.json', { PATH: '::' })).toBeNull();
  });
});

describe('javaVersion()', () => {
  test('reads the release file beside the Java on PATH, through its links', async () => {
    const java = file('jdk/bin/java');
    file('jdk/release', 0o644, 'IMPLEMENTOR="Debian"\nJAVA_VERSION="17.0.15"\n');
    mkdirSync(join(folder, 'bin'));
    symlinkSync(java, join(folder, 'bin', 'java'));
    expect(await javaVersion({ env: { PATH: join(folder, 'bin') }, exec: never })).toBe(17);
  });

  test('asks a Java that has no release file', async () => {
    file('bin/java');
    const env = { PATH: join(folder, 'bin') };
    const versions = {
      'openjdk version "21" 2023-09-19': 21,
      'java version "1.8.0_292"': 8,
      'openjdk version "25-ea" 2025-09-16': 25,
      'No Java runtime present, requesting install.': 0,
    };
    for (const [text, version] of Object.entries(versions)) {
      expect(await javaVersion({ env, exec: says(text) })).toBe(version);
    }
  });

  test('looks only at JAVA_HOME where it is set', async () => {
    file('bin/java');
    const env = { PATH: join(folder, 'bin'), JAVA_HOME: join(folder, 'none') };
    expect(await javaVersion({ env, exec: never })).toBe(0);
  });
});

describe('TEST_TOOLS', () => {
  const chromium = TEST_TOOLS.find(({ name }) => name === 'Chromium')!;

  test('take Chromium from CHROMIUM_PATH, and then from nowhere else', () => {
    const browser = file('apps/chrome');
    file('bin/google-chrome');
    const PATH = join(folder, 'bin');
    const present = (env: NodeJS.ProcessEnv) => chromium.present({ env, exec: never });
    expect(present({ PATH })).toBe(true);
    expect(present({ CHROMIUM_PATH: browser })).toBe(true);
    expect(present({ PATH, CHROMIUM_PATH: join(folder, 'apps/none') })).toBe(false);
  });
});

describe('COMPILE_TOOLS', () => {
  test('ask the compiler for each header', async () => {
    const asked: string[] = [];
    const exec = async (_command: string, _args: string[], input = '') => {
      asked.push(input);
      return { ok: !input.includes('zstd'), stdout: '', stderr: '' };
    };
    const missing: string[] = [];
    for (const tool of COMPILE_TOOLS.filter(({ name }) => name.endsWith('.h'))) {
      if (!(await tool.present({ env: {}, exec }))) {
        missing.push(tool.debian);
      }
    }
    expect(asked).toEqual([
      '#include <openssl/ssl.h>\n',
      '#include <zlib.h>\n',
      '#include <zstd.h>\n',
    ]);
    expect(missing).toEqual(['libzstd-dev']);
  });
});
