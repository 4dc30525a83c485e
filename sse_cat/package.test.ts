import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { HELP } from './options.mjs';

const root = join(import.meta.dirname, '..');
const { version } = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'));

/** A machine that has nothing of ours and no network. */
let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'sse-cat-home-'));
});
afterAll(() => rmSync(home, { recursive: true }));

function output(folder: string, command: string, ...args: string[]): string {
  const { PATH } = process.env;
  return execFileSync(command, args, {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
    env: {
      PATH,
      HOME: home,
      npm_config_prefix: join(home, 'global'),
      npm_config_cache: join(home, 'cache'),
      npm_config_offline: 'true',
      npm_config_update_notifier: 'false',
    },
  });
}

describe('the package sse-cat', () => {
  test.each([
    ['the folder', () => './sse_cat'],
    ['its tarball', () => join(home, output(home, 'npm', 'pack', '--silent', packed).trim())],
  ])('is installed from %s by one command', (_, from) => {
    output(root, 'npm', 'install', '--global', from());
    const command = join(home, 'global/bin/sse-cat');
    expect(output(home, command, '--version')).toBe(`sse-cat ${version}\n`);
    output(root, 'npm', 'uninstall', '--global', 'sse-cat');
    expect(existsSync(command)).toBe(false);
  });

  const packed = import.meta.dirname;

  test('holds the command and no tests', () => {
    const [{ files }] = JSON.parse(output(home, 'npm', 'pack', '--dry-run', '--json', packed));
    const names: string[] = files.map(({ path }: { path: string }) => path);
    expect(names).toContain('sse-cat.mjs');
    expect(
      names.filter((name) => !/^(\w[\w-]*\.(mjs|1)|package\.json|README\.md)$/.test(name)),
    ).toEqual([]);
  });

  test('has a manual of the options that --help names', () => {
    const manual = readFileSync(join(packed, 'sse-cat.1'), 'utf8').replaceAll('\\-', '-');
    const options = HELP.matchAll(/(?:^|[ ,])(--?[a-zA-Z][a-z-]*)/gm);
    const missing = [...options].map(([, name]) => name!).filter((name) => !manual.includes(name));
    expect(missing).toEqual([]);
  });

  test('reads streams, and comes back, as client.js does', () => {
    const of = (name: string): string => readFileSync(join(root, name), 'utf8');
    expect(of('sse_cat/event_stream.mjs')).toBe(of('public/client/client_stream.js'));
  });

  test('runs by npx in a clone where nothing has been installed, and makes nothing', () => {
    const clone = join(home, 'clone');
    cpSync(join(root, 'package.json'), join(clone, 'package.json'));
    cpSync(join(root, 'package-lock.json'), join(clone, 'package-lock.json'));
    for (const folder of ['install', 'sse_cat']) {
      cpSync(join(root, folder), join(clone, folder), { recursive: true });
    }
    const said = output(clone, 'npx', '--no', '--', 'sse-cat', '--version');
    expect(said).toBe(`sse-cat ${version}\n`);
    for (const made of ['node_modules', 'dist', '.cache']) {
      expect(existsSync(join(clone, made))).toBe(false);
    }
  });
});
