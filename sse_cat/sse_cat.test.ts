import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, test } from '@jest/globals';
import { generate } from 'selfsigned';
import { Program } from '../test/support/program.ts';
import { RUNTIMES } from '../test/support/runtimes.ts';
import { Terminal } from '../test/support/terminal.ts';

const COMMAND = join(import.meta.dirname, 'sse-cat.mjs');
const cleanups: (() => void)[] = [];

afterEach(() => {
  for (const cleanup of cleanups.splice(0)) cleanup();
});

async function listen(server: Server & { closeAllConnections(): void }): Promise<number> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

/** Sends these blocks, one each 20 ms, and keeps the stream open. */
function trickle(...blocks: string[]): RequestListener {
  return async (_, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    for (const block of blocks) {
      response.write(block);
      await delay(20);
    }
  };
}

/** A process with what it has printed so far. */
function start(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  cleanups.push(() => child.kill('SIGKILL'));
  const printed = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk) => {
    printed.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    printed.stderr += chunk;
  });
  return { child, printed };
}

const sseCat = (args: string[], env?: Record<string, string>) =>
  start(process.execPath, [COMMAND, ...args], env);

async function end(child: ChildProcess): Promise<unknown[]> {
  return once(child, 'close', { signal: AbortSignal.timeout(90_000) }).catch(() => {
    throw new Error('waited 90 s for the end of the process');
  });
}

async function firstOutput(child: ChildProcess): Promise<void> {
  await once(child.stdout!, 'data', { signal: AbortSignal.timeout(90_000) }).catch(() => {
    throw new Error('waited 90 s for the first output');
  });
}

describe('sse-cat', () => {
  test.each(RUNTIMES.map((runtime) => [runtime.name, runtime.sseCat] as const))(
    'on %s shows a terminal what would steer it, and pipes it as it is',
    async (_, command) => {
      const port = await listen(
        createServer(trickle('data:\u001b[31mred\u009b2J\n\ndata:end\n\n')),
      );
      const sseCat = [...command, `http://127.0.0.1:${port}/`] as const;
      await using terminal = new Terminal(sseCat);
      await terminal.printed('end');
      const connected = `sse-cat: http://127.0.0.1:${port}/: connected\r\n`;
      expect(terminal.stdout.toString()).toBe(`${connected}\\x1b[31mred\\x9b2J\r\nend\r\n`);
      await using pipe = new Program(sseCat);
      await pipe.printed('end');
      expect(pipe.stdout.toString()).toBe('\u001b[31mred\u009b2J\nend\n');
    },
  );

  test.each(['SIGINT', 'SIGTERM'] as const)(
    'prints into a pipe at once and ends with 0 at %s',
    async (signal) => {
      const port = await listen(createServer(trickle('data:a\n\n')));
      const { child, printed } = sseCat([`http://127.0.0.1:${port}/`]);
      await firstOutput(child);
      expect(printed.stdout).toBe('a\n');
      child.kill(signal);
      expect(await end(child)).toEqual([0, null]);
      expect(printed).toEqual({ stdout: 'a\n', stderr: '' });
    },
  );

  test('ends without a word when the pipe is closed', async () => {
    const many = Array.from({ length: 2000 }, (_, i) => `data:${i}\n\n`);
    const port = await listen(createServer(trickle(...many)));
    const script = `"$0" "$1" "http://127.0.0.1:${port}/" | head -1; exit "\${PIPESTATUS[0]}"`;
    const { child, printed } = start('bash', ['-c', script, process.execPath, COMMAND]);
    expect(await end(child)).toEqual([0, null]);
    expect(printed).toEqual({ stdout: '0\n', stderr: '' });
  });

  test('ends at once when the pipe is closed, though the stream is silent', async () => {
    const port = await listen(createServer(trickle('data:a\n\n')));
    const script = `"$0" "$1" "http://127.0.0.1:${port}/" | head -1; exit "\${PIPESTATUS[0]}"`;
    const { child, printed } = start('bash', ['-c', script, process.execPath, COMMAND]);
    expect(await end(child)).toEqual([0, null]);
    expect(printed).toEqual({ stdout: 'a\n', stderr: '' });
  });

  test('ends with the shell that npx has put between', async () => {
    const port = await listen(createServer(trickle('data:a\n\n')));
    const script = `"$0" "$1" "http://127.0.0.1:${port}/"; :`;
    const { child, printed } = start('sh', ['-c', script, process.execPath, COMMAND], {
      npm_command: 'exec',
    });
    await firstOutput(child);
    child.kill('SIGTERM');
    // 'close' comes once the command, too, has let go of the pipe.
    expect(await end(child)).toEqual([null, 'SIGTERM']);
    expect(printed).toEqual({ stdout: 'a\n', stderr: '' });
  });

  test('prints everything before it ends, even into a slow pipe', async () => {
    const line = 'x'.repeat(99);
    const port = await listen(
      createServer((request, response) => {
        if (request.headers['last-event-id'] === 'end') response.writeHead(204).end();
        else {
          response.writeHead(200, { 'content-type': 'text/event-stream' });
          response.end(`retry:100\n\n${`data:${line}\n\n`.repeat(20_000)}id:end\n\n`);
        }
      }),
    );
    const script = `"$0" "$1" "http://127.0.0.1:${port}/" | (sleep 1; wc -c)`;
    const { child, printed } = start('bash', ['-c', script, process.execPath, COMMAND]);
    expect(await end(child)).toEqual([0, null]);
    expect(printed).toEqual({ stdout: '2000000\n', stderr: '' });
  });

  test('reads no further than a stuck pipe takes', async () => {
    const total = 64 * 1024 * 1024;
    const block = `data:${'x'.repeat(64 * 1024 - 7)}\n\n`;
    let sent = 0;
    const port = await listen(
      createServer((_, response) => {
        if (sent === total) {
          response.writeHead(204).end();
          return;
        }
        response.writeHead(200, { 'content-type': 'text/event-stream' });
        response.write('retry:100\n\n');
        (function pump() {
          sent += block.length;
          if (sent === total) response.end(block);
          else if (!response.destroyed) response.write(block, pump);
        })();
      }),
    );
    const { child, printed } = sseCat([`http://127.0.0.1:${port}/`]);
    child.stdout.pause();
    // Stuck: for a while the server has got rid of nothing.
    for (let before = -1; sent === 0 || sent !== before; ) {
      before = sent;
      await delay(500);
    }
    expect(sent).toBeLessThan(total / 2);
    child.stdout.resume();
    expect(await end(child)).toEqual([0, null]);
    expect(printed.stdout.length).toBe((total / block.length) * (block.length - 'data:\n'.length));
  });

  test('trusts a self-signed certificate only where it is told to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sse-cat-'));
    cleanups.push(() => rmSync(folder, { recursive: true }));
    const pem = await generate([{ name: 'commonName', value: '127.0.0.1' }], {
      extensions: [{ name: 'subjectAltName', altNames: [{ type: 7, ip: '127.0.0.1' }] }],
    });
    const server = createTlsServer({ key: pem.private, cert: pem.cert }, trickle('data:a\n\n'));
    const url = `https://127.0.0.1:${await listen(server)}/`;

    const trusting = sseCat([url], { NODE_TLS_REJECT_UNAUTHORIZED: '0' });
    await firstOutput(trusting.child);
    trusting.child.kill('SIGTERM');
    expect(await end(trusting.child)).toEqual([0, null]);
    expect(trusting.printed).toEqual({ stdout: 'a\n', stderr: '' });

    const file = join(folder, 'ca.pem');
    writeFileSync(file, pem.cert);
    for (const options of [['--insecure'], ['--cacert', file]]) {
      const told = sseCat([...options, '--max', '1', url]);
      expect(await end(told.child)).toEqual([0, null]);
      expect(told.printed).toEqual({ stdout: 'a\n', stderr: '' });
    }

    const careful = sseCat([url]);
    expect(await end(careful.child)).toEqual([1, null]);
    expect(careful.printed.stderr).toMatch(
      /^sse-cat: https:.*certificate is not trusted.*--cacert FILE.*--insecure.*\n$/,
    );
  });
});
