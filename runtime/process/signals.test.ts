import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { transformFile } from '@swc/core';
import { onSignals } from './signals.ts';

describe('onSignals()', () => {
  function listen(onTerminal = false) {
    const source = new EventEmitter();
    const clock = { now: 1000 };
    const said: string[] = [];
    onSignals(
      {
        drain: () => said.push('drain'),
        stop: () => said.push('stop'),
        reload: () => said.push('reload'),
        exit: (code) => said.push(`exit ${code}`),
      },
      source,
      () => clock.now,
      onTerminal,
    );
    const send = (signal: 'SIGINT' | 'SIGTERM' | 'SIGHUP', at: number) => {
      clock.now = 1000 + at;
      source.emit(signal);
    };
    return { send, said };
  }

  test('onSignals() drains on SIGTERM and stops on SIGINT', () => {
    const term = listen();
    term.send('SIGTERM', 0);
    expect(term.said).toEqual(['drain']);
    const int = listen();
    int.send('SIGINT', 0);
    expect(int.said).toEqual(['stop']);
  });

  test.each(['SIGTERM', 'SIGINT'] as const)(
    'onSignals() takes %s again within 300 ms for the same one',
    (signal) => {
      const { send, said } = listen();
      for (const at of [0, 0, 10, 299]) send(signal, at);
      expect(said).toHaveLength(1);
      send(signal, 300);
      expect(said[1]).toBe(`exit ${signal === 'SIGTERM' ? 143 : 130}`);
    },
  );

  test('onSignals() exits at once on another signal, however soon', () => {
    const { send, said } = listen();
    send('SIGTERM', 0);
    send('SIGINT', 1);
    expect(said).toEqual(['drain', 'exit 130']);
  });

  test('onSignals() takes SIGHUP for the end of its terminal, and elsewhere for no end at all', () => {
    const terminal = listen(true);
    for (const at of [0, 1]) terminal.send('SIGHUP', at);
    expect(terminal.said).toEqual(['stop']);
    terminal.send('SIGHUP', 300);
    expect(terminal.said).toEqual(['stop', 'exit 129']);
    const daemon = listen(false);
    for (const at of [0, 1, 500]) daemon.send('SIGHUP', at);
    daemon.send('SIGTERM', 501);
    daemon.send('SIGHUP', 502);
    expect(daemon.said).toEqual(['reload', 'reload', 'reload', 'drain', 'reload']);
  });
});

describe('onSignals() in a process', () => {
  let folder = '';
  let script = '';

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'signals-'));
    const source = fileURLToPath(new URL('signals.ts', import.meta.url));
    const { code } = await transformFile(source, {
      jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
      module: { type: 'es6' },
    });
    const module = join(folder, 'signals.mjs');
    writeFileSync(module, code);
    // A clock that stands still: how long a signal takes on a busy machine must not matter.
    script = `
      import process from 'node:process';
      import { onSignals } from ${JSON.stringify(pathToFileURL(module).href)};
      const actions = {
        drain: () => console.log('drain'),
        stop: () => console.log('stop'),
        reload: () => {},
        exit: (code) => process.exit(code),
      };
      onSignals(actions, process, () => 0);
      process.on('SIGINT', () => console.log('SIGINT'));
      process.stdin.on('end', () => process.exit(0)).resume();
      console.log('ready');`;
  });

  afterAll(() => rmSync(folder, { recursive: true }));

  test.each([
    { signals: ['SIGINT', 'SIGINT'], words: ['ready', 'stop', 'SIGINT', 'SIGINT'], code: 0 },
    { signals: ['SIGTERM', 'SIGINT'], words: ['ready', 'drain'], code: 130 },
  ] as const)('onSignals() meets real signals: $signals', async ({ signals, words, code }) => {
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['pipe', 'pipe', 'inherit'],
      timeout: 20_000,
      killSignal: 'SIGKILL',
    });
    const exit = once(child, 'exit');
    const said: string[] = [];
    for await (const line of createInterface(child.stdout)) {
      said.push(line);
      if (line === 'ready') child.kill(signals[0]);
      if (line === 'drain' || (line === 'SIGINT' && said.length === 3)) child.kill(signals[1]);
      if (said.length === 4) child.stdin.end();
    }
    expect(said).toEqual(words);
    expect(await exit).toEqual([code, null]);
  });
});
