import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { getLogger, resetSync } from '@logtape/logtape';
import { transformFile } from '@swc/core';
import type { Config, LogLevel } from '../../app/config/config.ts';
import { configureLogging } from './logging.ts';

type LogFormat = Config['logFormat'];

const logger = getLogger(['sse-kafka', 'feed']);

function linesOf(
  logLevel: LogLevel,
  isTerminal: boolean,
  log: () => void,
  logFormat: LogFormat = 'auto',
): string[] {
  const lines: string[] = [];
  configureLogging({ logLevel, logFormat }, { isTerminal, write: (line) => lines.push(line) });
  try {
    log();
  } finally {
    resetSync();
  }
  for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
  return lines;
}

function fieldsOf(log: () => void, level: LogLevel = 'info'): Record<string, unknown>[] {
  return linesOf(level, false, log).map((line) => JSON.parse(line));
}

describe('configureLogging()', () => {
  test('configureLogging() writes JSON with time, level, message, logger and properties', () => {
    const [fields] = fieldsOf(() =>
      logger.warn('Topic {topic} does not exist yet', { topic: 'events', tries: 3, size: 1n }),
    );
    expect(fields).toEqual({
      '@timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
      level: 'WARN',
      message: 'Topic events does not exist yet',
      logger: 'sse-kafka.feed',
      topic: 'events',
      tries: 3,
      size: '1',
    });
  });

  test('configureLogging() keeps its fields where a property has the name of one', () => {
    const [fields] = fieldsOf(() => logger.warn('Client: {message}', { message: 'a', level: 5 }));
    expect(fields).toMatchObject({ level: 'WARN', message: 'Client: a', message_: 'a', level_: 5 });
  });

  test('configureLogging() writes time, level, message and the other properties on a terminal', () => {
    const [line] = linesOf('info', true, () =>
      logger.warn('Topic {topic} does not exist yet', {
        topic: 'events',
        error: new Error('refused'),
        at: { partition: 1 },
      }),
    );
    expect(line).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} WARNING Topic events does not exist yet error=refused at=\{ partition: 1 \}\n$/,
    );
  });

  test.each([
    ['auto', true, /^\d\d:/],
    ['auto', false, /^\{/],
    ['text', false, /^\d\d:/],
    ['json', true, /^\{/],
  ] as const)('configureLogging() as %s, on a terminal %p, writes %s', (format, isTerminal, is) => {
    expect(linesOf('info', isTerminal, () => logger.info('a'), format)).toEqual([
      expect.stringMatching(is),
    ]);
  });

  test.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
  ] as const)('configureLogging() at %s writes %j', (level, expected) => {
    const fields = fieldsOf(() => {
      for (const each of ['debug', 'info', 'warn', 'error'] as const) logger[each](each);
      getLogger(['another library']).error('not ours');
    }, level);
    expect(fields.map(({ message }) => message)).toEqual(expected);
  });

  test('configureLogging() keeps hostile text on its line and away from the terminal', () => {
    const hostile = 'a\n{"level":"INFO"}\r\n\u001b[2J\u001b[31m\u0085\u009b\ud800';
    const log = () => {
      logger.info('from {client}', { client: hostile });
      logger.info(hostile);
      logger.info('rest', { client: hostile });
    };
    for (const line of linesOf('info', true, log)) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is looked for
      expect(line.slice(0, -1)).not.toMatch(/[\u0000-\u001f\u007f-\u009f]/);
    }
    const [fields] = fieldsOf(log);
    expect(fields).toMatchObject({ message: `from ${hostile}`, client: hostile });
  });

  test('configureLogging() writes errors with code and causes, stacks at debug only', () => {
    const cause = new TypeError('inner');
    const error = Object.assign(new Error('outer', { cause }), { code: 'ECONNREFUSED' });
    const log = () => logger.error('failed: {error}', { error });
    const expected = {
      name: 'Error',
      message: 'outer',
      code: 'ECONNREFUSED',
      cause: { name: 'TypeError', message: 'inner' },
    };
    const [fields] = fieldsOf(log);
    expect(fields).toMatchObject({ message: 'failed: outer' });
    expect(fields?.['error']).toEqual(expected);
    const [withStack] = fieldsOf(log, 'debug');
    expect(withStack?.['error']).toMatchObject({ stack: expect.stringContaining('logging.test') });
  });

  test('configureLogging() finds words for an AggregateError without its own', () => {
    const error = new AggregateError([new Error('::1 refused'), 'and more']);
    const [fields] = fieldsOf(() => logger.error('failed: {error}', { error }));
    expect(fields).toMatchObject({ message: 'failed: ::1 refused; and more' });
  });

  test('configureLogging() takes rings of objects and of causes', () => {
    const ring: Record<string, unknown> = {};
    ring['self'] = ring;
    const error = new Error('ring');
    error.cause = error;
    const log = () => logger.error('ring {ring}', { ring, error });
    expect(fieldsOf(log)).toHaveLength(1);
    expect(linesOf('info', true, log)).toHaveLength(1);
  });
});

describe('configureLogging() in a process', () => {
  let folder = '';

  beforeAll(async () => {
    // Within the clone, so that its libraries are found.
    const cache = fileURLToPath(new URL('../../.cache', import.meta.url));
    mkdirSync(cache, { recursive: true });
    folder = mkdtempSync(`${cache}/logging-`);
    const source = fileURLToPath(new URL('logging.ts', import.meta.url));
    const { code } = await transformFile(source, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    writeFileSync(`${folder}/logging.mjs`, code);
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  function start(script: string) {
    const imports = `
      import { getLogger } from '@logtape/logtape';
      import { configureLogging } from './logging.mjs';
      const logger = getLogger(['sse-kafka']);
      configureLogging({ logLevel: 'info', logFormat: 'auto' });`;
    return spawn(process.execPath, ['--input-type=module', '--eval', imports + script], {
      cwd: folder,
      stdio: ['pipe', 'pipe', 'pipe'],
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
  }

  test('configureLogging() loses no line at an exit, in order, more than a pipe holds', async () => {
    const child = start(`
      for (let n = 0; n < 2000; n += 1) logger.info('x'.repeat(200), { n });
      process.exit(0);`);
    const exit = once(child, 'exit');
    const lines = (await text(child.stderr)).trimEnd().split('\n');
    expect(await exit).toEqual([0, null]);
    expect(lines.map((line) => JSON.parse(line).n)).toEqual(Array.from(lines.keys()));
    expect(lines).toHaveLength(2000);
  });

  test('configureLogging() outlives a closed stderr', async () => {
    const child = start(`
      process.stdin.resume().on('end', () => {
        for (let n = 0; n < 100; n += 1) logger.error('nobody reads this');
        setImmediate(() => console.log('alive'));
      });`);
    const exit = once(child, 'exit');
    child.stderr.destroy();
    child.stdin.end();
    expect(await text(child.stdout)).toBe('alive\n');
    expect(await exit).toEqual([0, null]);
  });

  test('configureLogging() drops lines of a full pipe and goes on with a whole one', async () => {
    // Whoever touches process.stderr makes the pipe one that answers EAGAIN.
    const child = start(`
      process.stderr;
      const long = 'x'.repeat(100_000);
      for (let n = 0; n < 100; n += 1) logger.info(long, { n });
      console.log('alive');
      process.stdin.resume().on('end', () => logger.info('again'));`);
    const exit = once(child, 'exit');
    const [said] = await once(child.stdout, 'data');
    expect(String(said)).toBe('alive\n');
    const read = text(child.stderr);
    await once(child.stderr, 'data');
    child.stdin.end();
    const lines = (await read).trimEnd().split('\n');
    expect(await exit).toEqual([0, null]);
    expect(lines.length).toBeLessThan(100);
    expect(JSON.parse(lines.at(-1)!).message).toBe('again');
  });
});
