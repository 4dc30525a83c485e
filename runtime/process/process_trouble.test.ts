import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { transformFile } from '@swc/core';
import { run } from '../../test/support/program.ts';

describe('logProcessTrouble()', () => {
  let folder = '';

  beforeAll(async () => {
    // Within the clone, so that its libraries are found.
    const cache = fileURLToPath(new URL('../../.cache', import.meta.url));
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(`${cache}/process-trouble-`);
    for (const name of ['logging', 'process_trouble']) {
      const source = fileURLToPath(new URL(`${name}.ts`, import.meta.url));
      const { code } = await transformFile(source, {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
      });
      writeFileSync(`${folder}/${name}.mjs`, code);
    }
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  /** What a process logs and ends with in which this happens. */
  async function logOf(script: string): Promise<{ code: number | null; lines: object[] }> {
    const whole = `
      import { configureLogging } from './logging.mjs';
      import { logProcessTrouble } from './process_trouble.mjs';
      configureLogging({ logLevel: 'info', logFormat: 'auto' });
      logProcessTrouble();
      ${script}`;
    const command = [process.execPath, '--input-type=module', '--eval', whole] as const;
    const { code, stderr } = await run(command, { cwd: folder });
    const lines = stderr.split('\n').filter((line) => line !== '');
    return { code, lines: lines.map((line) => JSON.parse(line) as object) };
  }

  test('logProcessTrouble() logs a warning of the runtime as a line of ours', async () => {
    const { code, lines } = await logOf(`
      process.emitWarning('too many\\nlisteners', 'LeakWarning');
      setTimeout(() => process.exit(7));`);
    expect(code).toBe(7);
    expect(lines).toEqual([
      expect.objectContaining({ level: 'WARN', message: 'LeakWarning: too many\nlisteners' }),
    ]);
  });

  test.each([
    ['an error that nobody caught', "setTimeout(() => { throw new TypeError('oh') })"],
    ['a promise that nobody caught', "Promise.reject(new TypeError('oh'))"],
  ])('logProcessTrouble() logs %s, with its stack, and ends with 1', async (_, script) => {
    const { code, lines } = await logOf(`${script}; setTimeout(() => {}, 20_000);`);
    expect(code).toBe(1);
    expect(lines).toEqual([
      expect.objectContaining({
        level: 'FATAL',
        message: 'A fault of the gateway ends it: oh',
        stack: expect.stringMatching(/^TypeError: oh\n\s+at /),
      }),
    ]);
  });
});
