import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { findJava } from './java.ts';

const { PATH, JAVA_HOME } = process.env;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'java-'));
  mkdirSync(join(folder, 'bin'));
  delete process.env['JAVA_HOME'];
});
afterEach(() => {
  process.env['PATH'] = PATH;
  if (JAVA_HOME !== undefined) process.env['JAVA_HOME'] = JAVA_HOME;
  else delete process.env['JAVA_HOME'];
  rmSync(folder, { recursive: true });
});

function fakeJava(script: string): void {
  writeFileSync(join(folder, 'bin', 'java'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
}
const find = (): Promise<string> => findJava(AbortSignal.timeout(90_000));
const waysOut = /\(.*maven\).*KAFKA_BROKERS=host:port/;

test('findJava() takes JAVA_HOME before PATH', async () => {
  fakeJava(`echo 'Picked up JAVA_TOOL_OPTIONS: -Dx\nopenjdk version "21.0.2" 2024-01-16' >&2`);
  process.env['JAVA_HOME'] = folder;
  expect(await find()).toBe(join(folder, 'bin', 'java'));
});

test('findJava() takes java from PATH, where JAVA_HOME is empty too', async () => {
  fakeJava(`echo 'openjdk version "17" 2021-09-14' >&2`);
  process.env['PATH'] = join(folder, 'bin') + delimiter + PATH;
  process.env['JAVA_HOME'] = '';
  expect(await find()).toBe('java');
});

test.each([
  ['1.8.0_392', 8],
  ['11.0.2', 11],
  ['16', 16],
])('findJava() refuses version %s', async (version, major) => {
  fakeJava(`echo 'java version "${version}"' >&2`);
  process.env['JAVA_HOME'] = folder;
  await expect(find()).rejects.toThrow(`this is ${major} (JAVA_HOME is ${folder})`);
  await expect(find()).rejects.toThrow(waysOut);
});

test('findJava() tells both ways out where there is none, or one that fails', async () => {
  process.env['PATH'] = folder;
  await expect(find()).rejects.toThrow('Java 17 or later was not found (java on PATH)');
  await expect(find()).rejects.toThrow(waysOut);
  process.env['PATH'] = PATH;
  process.env['JAVA_HOME'] = folder;
  fakeJava('echo "Unable to locate a Java Runtime." >&2; exit 1');
  await expect(find()).rejects.toThrow(`not found (JAVA_HOME is ${folder})`);
});
