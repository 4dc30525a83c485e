import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, test } from '@jest/globals';
import { within } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { type Command, Program, run } from '../support/program.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';

/** The certificate that is served there, PEM. */
async function certificateOf(origin: string): Promise<string> {
  const socket = connect({ port: Number(new URL(origin).port), rejectUnauthorized: false });
  await within('a TLS handshake', once(socket, 'secureConnect'));
  const certificate = socket.getPeerX509Certificate()!.toString();
  socket.destroy();
  return certificate;
}

onRuntimesOfTier((runtime) => {
  const sseCat = (...args: string[]): Command => [...runtime.sseCat, ...args];

  describe('sse-cat', () => {
    let topic!: Topic;
    const gateway = shared(async () => {
      topic = await kafka.createTopic();
      await topic.produce(
        { value: 'a' },
        { key: 'k' },
        { value: 'two\r\nlines' },
        { value: ' 🚀' },
      );
      return HostedGateway.startReady(runtime, { topics: [topic.name] });
    });
    const url = (): string => `${gateway().http}/${topic.name}`;

    test('prints the data of each message as it is', async () => {
      await using program = new Program(sseCat(url()));
      await program.printed('🚀\n');
      expect(program.stdout.toString()).toBe('a\ntwo\nlines\n 🚀\n');
      expect(program.stderr).toBe('');
    });

    test('prints another event instead with --event', async () => {
      await using program = new Program(sseCat('--event', 'delete', url()));
      await program.printed('aw==\n');
      expect(program.stdout.toString()).toBe('aw==\n');
    });

    test('begins after the id of --header', async () => {
      const header = `Last-Event-ID: ${topic.cursor(3)}`;
      await using program = new Program(sseCat('--header', header, url()));
      await program.printed('🚀\n');
      expect(program.stdout.toString()).toBe(' 🚀\n');
    });

    test('tells of a gap on stderr', async () => {
      await using program = new Program(sseCat('--header', 'Last-Event-ID: nothing', url()));
      await program.printed('🚀\n');
      expect(program.stdout.toString()).toBe('a\ntwo\nlines\n 🚀\n');
      await program.complained('unreadable-cursor');
      expect(program.stderr).toMatch(/^sse-cat: gap .*"unreadable-cursor".*\n$/);
    });

    test('takes a certificate that is not trusted only where it is told to', async () => {
      const secure = sseCat(`${gateway().https}/${topic.name}`);
      const { code, stderr } = await run(secure);
      expect(code).toBe(1);
      expect(stderr).toMatch(/^sse-cat: .*certificate is not trusted.*--cacert.*--insecure.*\n$/);
      const folder = await newFolder();
      const file = join(folder, 'ca.pem');
      await writeFile(file, await certificateOf(gateway().https));
      const ways: [string[], Record<string, string>][] = [
        [['--insecure'], {}],
        [['--cacert', file], {}],
        [[], { NODE_TLS_REJECT_UNAUTHORIZED: '0' }],
        [[], { NODE_EXTRA_CA_CERTS: file }],
      ];
      for (const [options, env] of ways) {
        await using program = new Program([...secure, ...options], { env });
        await program.printed('🚀\n');
        expect(program.stdout.toString()).toBe('a\ntwo\nlines\n 🚀\n');
        expect(program.stderr).toBe('');
        program.kill('SIGTERM');
        expect(await program.ended()).toBe(0);
      }
      await rm(folder, { recursive: true });
    });

    test('prints each event as a line of JSON with --json', async () => {
      await using program = new Program(sseCat('--json', url()));
      await program.printed('"live"}\n');
      const lines = program.stdout.toString().trimEnd().split('\n');
      const at = { topic: topic.name, partition: 0, timestamp: expect.any(Number) };
      const message = { ...at, event: 'message', key: null };
      expect(lines.map((line) => JSON.parse(line))).toEqual([
        { ...message, id: topic.cursor(1), offset: 0, value: 'a' },
        { ...at, id: topic.cursor(2), event: 'delete', offset: 1, key: 'k', value: null },
        { ...message, id: topic.cursor(3), offset: 2, value: 'two\r\nlines' },
        { ...message, id: topic.cursor(4), offset: 3, value: ' 🚀' },
        { topic: topic.name, id: topic.cursor(4), event: 'live' },
      ]);
    });

    test('goes on from --id, one event after the other with --max 1', async () => {
      const options = ['--json', '--max', '1', '--event', 'message', '--event', 'delete'];
      const ids = [''];
      const values = [];
      for (let n = 0; n < 4; n += 1) {
        const from = n === 0 ? [] : ['--id', ids[n]!];
        const { code, stdout, stderr } = await run(sseCat(...options, ...from, url()));
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        const { id, value } = JSON.parse(stdout.toString());
        ids.push(id);
        values.push(value);
      }
      expect(values).toEqual(['a', null, 'two\r\nlines', ' 🚀']);
    });

    test('begins where --since says', async () => {
      const future = await run(sseCat('--since', '2100-01-01T00:00:00Z', '--timeout', '1', url()));
      expect([future.code, `${future.stdout}`]).toEqual([1, '']);
      expect(future.stderr).toContain('nothing to print for 1 s');
      const past = await run(sseCat('--since', '1700000000000', '--max', '3', url()));
      expect([past.code, `${past.stdout}`]).toEqual([0, 'a\ntwo\nlines\n 🚀\n']);
    });

    test('ends with 0 at a signal although nobody reads on in its pipe', async () => {
      const large = await kafka.createTopic();
      for (let n = 0; n < 5; n += 1) await large.produce({ value: 'x'.repeat(500_000) });
      await using ownGateway = await HostedGateway.startReady(runtime, { topics: [large.name] });
      const [file, ...args] = sseCat(`${ownGateway.http}/${large.name}`);
      const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      try {
        await within('its first output', once(child.stdout, 'readable'));
        child.kill('SIGTERM');
        expect(await within('its end', once(child, 'exit'))).toEqual([0, null]);
      } finally {
        child.kill('SIGKILL');
      }
    });

    test.each(['SIGINT', 'SIGTERM'] as const)('ends with 0 at %s', async (signal) => {
      await using program = new Program(sseCat(url()));
      await program.printed('🚀\n');
      program.kill(signal);
      expect(await program.ended()).toBe(0);
      expect(program.stderr).toBe('');
    });

    test('ends with one line for a topic that is not there, and for a wrong since', async () => {
      for (const wrong of [`${gateway().http}/unknown`, `${url()}?since=yesterday`]) {
        const { code, stdout, stderr } = await run(sseCat(wrong));
        expect([code, `${stdout}`]).toEqual([1, '']);
        expect(stderr).toMatch(/^sse-cat: .*40[04].*\n$/);
      }
    });

    test('ends quietly when its reader does', async () => {
      const own = await kafka.createTopic();
      await using ownGateway = await HostedGateway.startReady(runtime, { topics: [own.name] });
      const pipe = 'set -o pipefail; "$@" | head -1';
      const piped = sseCat(`${ownGateway.http}/${own.name}`);
      await using program = new Program(['bash', '-c', pipe, 'bash', ...piped]);
      const writing = (async () => {
        // The end of a pipe is met at the next write only.
        for (let n = 0; !program.hasEnded; n++) {
          await own.produce({ value: `${n}` });
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      })();
      expect(await program.ended()).toBe(0);
      await within('the last record to be written', writing);
      expect(program.stdout.toString()).toMatch(/^\d+\n$/);
      expect(program.stderr).toBe('');
    });
  });

  describe('sse-cat and a gateway that ends', () => {
    test.each(['SIGTERM', 'SIGINT', 'SIGKILL'] as const)(
      'by %s: nothing is lost, nothing comes twice',
      async (signal) => {
        const topic = await kafka.createTopic({ partitions: 2 });
        const written: string[] = [];
        const write = async (from: number): Promise<void> => {
          for (let n = from; n < from + 10; n++) {
            await topic.produce({ value: `${n}`, partition: n % 2 });
            written.push(`${n}`);
          }
        };
        const options = { topics: [topic.name] };
        await using killed = signal === 'SIGKILL' ? await Gateway.start(runtime, options) : null;
        await using ended = killed === null ? await HostedGateway.start(runtime, options) : null;
        const gateway = (killed ?? ended)!;
        await gateway.untilReady();
        await using program = new Program(sseCat(`${gateway.http}/${topic.name}`));
        await write(100);
        await program.printed('\n109\n');
        killed?.kill('SIGKILL');
        await killed?.ended();
        if (signal !== 'SIGKILL') await ended?.stop(signal);
        await write(200);
        await gateway.start();
        await program.printed('208\n');
        await write(300);
        await program.printed('309\n');
        await program.printed('308\n');
        await topic.produce({ value: 'end' });
        await program.printed('end\n');
        const lines = program.stdout.toString().trimEnd().split('\n');
        expect(lines.toSorted()).toEqual([...written, 'end'].toSorted());
        const odd = lines.filter((line) => Number(line) % 2 === 1);
        expect(odd).toEqual(odd.toSorted());
      },
    );
  });
});
