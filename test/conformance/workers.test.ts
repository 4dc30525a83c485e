import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { freePorts } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { endedWith, run } from '../support/program.ts';
import { DENO, NODE } from '../support/runtimes.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';

/** The code with which a gateway ends whose settings are wrong. */
const WRONG_SETTINGS = 78;
/** In `/proc/net/tcp`. */
const ESTABLISHED = '01';

/** The workers of a gateway. */
function workersOf({ pid }: Gateway): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
  return children.split(' ').filter(Boolean).map(Number);
}

/** The inodes of the connections that clients have to these ports. */
function connectionsTo(ports: readonly number[]): ReadonlySet<string> {
  const rows = ['/proc/net/tcp', '/proc/net/tcp6'].flatMap((file) =>
    readFileSync(file, 'utf8').trim().split('\n').slice(1),
  );
  const open = rows
    .map((row) => row.trim().split(/\s+/))
    .filter(([, local, , state]) => {
      const port = Number.parseInt(local!.split(':')[1]!, 16);
      return state === ESTABLISHED && ports.includes(port);
    });
  return new Set(open.map((columns) => columns[9]!));
}

/** How many clients a process has at these ports; a connection of its own to Kafka is none. */
function clientsOf(pid: number, ports: readonly number[]): number {
  const folder = `/proc/${pid}/fd`;
  const target = (fd: string): string => {
    try {
      return readlinkSync(`${folder}/${fd}`);
    } catch {
      return ''; // Closed meanwhile.
    }
  };
  const theirs = connectionsTo(ports);
  const inodes = readdirSync(folder).map((fd) => /^socket:\[(\d+)\]$/.exec(target(fd))?.[1] ?? '');
  return inodes.filter((inode) => theirs.has(inode)).length;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

async function untilNoStream(gateway: Gateway, topic: Topic): Promise<void> {
  await untilScraped('no stream', gateway, (scrape) => {
    return scrape.value('sse_kafka_connections', { topic: topic.name }) === 0;
  });
}

/** A case of a gateway with so many workers. */
function testWorkers(
  title: string,
  workers: string,
  use: (
    start: (env?: Readonly<Record<string, string>>) => Promise<Gateway>,
    topic: Topic,
  ) => unknown,
): void {
  test(title, async () => {
    const topic = await kafka.createTopic();
    await topic.produce({ value: 'a' });
    await use(
      (env = {}) =>
        Gateway.startReady(NODE, { topics: [topic.name], env: { WORKERS: workers, ...env } }),
      topic,
    );
  });
}

describe('WORKERS', () => {
  describe('where there are any (Node)', () => {
    testWorkers('is a fault below a process manager that has a cluster', '2', async () => {
      const env = { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, WORKERS: '2' };
      // As pm2 does it.
      const script = `const cluster = require('node:cluster');
        cluster.setupPrimary({ exec: process.argv[1], execArgv: [] });
        cluster.fork().on('exit', (code) => process.exit(code));`;
      const command = [process.execPath, '-e', script, NODE.gateway.at(-1)!] as const;
      const outcome = await run(command, { cwd: await newFolder(), env });
      const { stderr } = endedWith(WRONG_SETTINGS, 'the gateway', outcome);
      expect(stderr).toMatch(/"message":"WORKERS: .*pm2/);
    });

    testWorkers('tells of the clients of all, and ends them', '2', async (start, topic) => {
      const file = join(await newFolder(), 'token');
      writeFileSync(file, 'secret\n');
      await using gateway = await start({ ADMIN_TOKEN_FILE: file });
      await using streams = new StreamGroup();
      const open = async (): Promise<SseStream> =>
        streams.add(await gateway.stream(`/${topic.name}`));
      const all = await Promise.all(Array.from({ length: 8 }, open));
      for (const stream of all) await stream.untilEvents(1);
      const ask = async (...args: string[]): Promise<string> => {
        const { body } = await curl('-H', 'Authorization: Bearer secret', ...args);
        return `${body}`;
      };
      const told = (await ask(`${gateway.admin}/clients`)).trim().split('\n');
      const ids = told.map((line) => (JSON.parse(line) as { id: string }).id);
      expect(new Set(ids).size).toBe(8);
      // Of both workers.
      expect(new Set(ids.map((id) => id.split('-')[0])).size).toBe(2);
      for (const id of ids) {
        expect(await ask('-X', 'DELETE', `${gateway.admin}/clients?id=${id}`)).toBe('{"ended":1}');
      }
      for (const stream of all) await stream.until('its end', () => stream.isOver);
      expect(await ask(`${gateway.admin}/clients`)).toBe('');
    });

    testWorkers('shares the clients between them', '2', async (start, topic) => {
      await using gateway = await start({ MAX_CONNECTIONS: '10000000' });
      // Once, and not by each.
      expect(gateway.stderr.match(/open files of each of 2 workers leaves room/g)).toHaveLength(1);
      const workers = workersOf(gateway);
      expect(workers).toHaveLength(2);
      await using streams = new StreamGroup();
      for (let i = 0; i < 20; i++) {
        for (const url of [gateway.http, gateway.https]) {
          const stream = streams.add(await SseStream.open(`${url}/${topic.name}`));
          await stream.untilEvents(1);
        }
      }
      const ports = [gateway.http, gateway.https].map((url) => Number(new URL(url).port));
      const counts = workers.map((pid) => clientsOf(pid, ports));
      expect(counts[0]! + counts[1]!).toBe(40);
      for (const count of counts) {
        expect(count).toBeGreaterThanOrEqual(16);
        expect(count).toBeLessThanOrEqual(24);
      }
    });

    const whole = 'has metrics of the whole, and no sum falls when one dies';
    testWorkers(whole, '2', async (start, topic) => {
      const COUNT = 20;
      await using gateway = await start();
      const labels = { topic: topic.name };
      const path = `/${topic.name}`;
      await using streams = new StreamGroup();
      const opened: SseStream[] = [];
      for (let n = 0; n < COUNT; n++) opened.push(streams.add(await gateway.stream(path)));
      for (const stream of opened) await stream.untilEvents(1);
      await topic.produce({ value: 'b' });
      for (const stream of opened) await stream.untilEvents(2);
      const value = (scrape: Scrape, name: string): number =>
        scrape.value(`sse_kafka_${name}`, labels);
      const sums = (scrape: Scrape): number[] =>
        ['connections_total', 'events_sent_total'].map((name) => value(scrape, name));
      const before = await untilScraped(
        'the bytes of all',
        gateway,
        (scrape) =>
          value(scrape, 'bytes_sent_total') ===
          opened.reduce((sum, { bytes }) => sum + bytes.length, 0),
      );
      expect(sums(before)).toEqual([COUNT, 2 * COUNT]);
      expect(value(before, 'connections')).toBe(COUNT);
      expect(before.one('sse_kafka_delivery_seconds', labels).count).toBe(COUNT);
      expect(before.value('sse_kafka_lag_records', { ...labels, partition: '0' })).toBe(0);
      expect(before.value('sse_kafka_broker_up')).toBe(1);

      process.kill(workersOf(gateway)[0]!, 'SIGKILL');
      const left = (): number => opened.filter(({ isOver }) => !isOver).length;
      const after = await untilScraped(
        'those that are left',
        gateway,
        (scrape) => value(scrape, 'connections') < COUNT && value(scrape, 'connections') === left(),
      );
      expect(sums(after)).toEqual([COUNT, 2 * COUNT]);
      await eventually('another worker', async () => workersOf(gateway).length === 2);
      await using more = await gateway.stream(path);
      await more.untilEvents(2);
      expect(sums(await Scrape.of(gateway))).toEqual([COUNT + 1, 2 * COUNT + 2]);
    });

    testWorkers('counts the streams of all', '3', async (start, topic) => {
      for (const [limit, status] of [
        ['MAX_CONNECTIONS', 503],
        ['MAX_CONNECTIONS_PER_IP', 429],
      ] as const) {
        await using gateway = await start({ [limit]: '7' });
        const url = `${gateway.http}/${topic.name}`;
        for (const _ of [1, 2]) {
          await using streams = new StreamGroup();
          const opened = await Promise.all(
            Array.from({ length: 60 }, async () => streams.add(await SseStream.open(url))),
          );
          const open = opened.filter((stream) => stream.status === 200);
          expect(open).toHaveLength(7);
          expect(opened.filter((stream) => stream.status === status)).toHaveLength(53);
          for (const stream of open) stream.cut();
          await untilNoStream(gateway, topic);
          await eventually('all places', async () => {
            await using again = new StreamGroup();
            const tries = Array.from({ length: 7 }, async () =>
              again.add(await SseStream.open(url)),
            );
            return (await Promise.all(tries)).every((stream) => stream.status === 200);
          });
          expect((await curl('-I', url)).status).toBe(200);
          await untilNoStream(gateway, topic);
        }
      }
    });

    testWorkers('replaces one that dies, and its clients go on', '2', async (...at) => {
      const [start, topic] = at;
      await using gateway = await start({ MAX_CONNECTIONS: '8' });
      const url = `${gateway.http}/${topic.name}`;
      await using streams = new StreamGroup();
      const opened: SseStream[] = [];
      for (let i = 0; i < 8; i++) opened.push(streams.add(await SseStream.open(url)));
      for (const stream of opened) await stream.untilEvents(1);
      const [first] = workersOf(gateway);
      process.kill(first!, 'SIGKILL');
      // Not some of them alone: all that the gateway has are those that are left here.
      await untilScraped('the end of its streams', gateway, (scrape) => {
        const left = opened.filter(({ isOver }) => !isOver).length;
        const there = scrape.value('sse_kafka_connections', { topic: topic.name });
        return left < opened.length && there === left;
      });
      expect((await gateway.readiness()).status).toBe(200);
      await topic.produce({ value: 'b' });
      const cut = opened.filter(({ isOver }) => isOver);
      expect(cut.length).toBeLessThan(opened.length);
      for (const stream of cut) {
        const headers = { 'last-event-id': stream.blocks.at(-1)!.id };
        // Its place is free at once.
        const again = streams.add(await SseStream.open(url, { headers }));
        expect((await again.untilEvents(1)).map(({ data }) => data)).toEqual(['b']);
      }
      for (const stream of opened.filter((one) => !cut.includes(one))) {
        expect((await stream.untilEvents(2)).map(({ data }) => data)).toEqual(['a', 'b']);
      }
      await eventually('another worker in its place', async () => {
        const workers = workersOf(gateway);
        return workers.length === 2 && !workers.includes(first!);
      });
      expect((await gateway.readiness()).status).toBe(200);
    });

    testWorkers('drains all and leaves no process behind', '2', async (start, topic) => {
      await using gateway = await start({ DRAIN_SECONDS: '8' });
      const workers = workersOf(gateway);
      await using streams = new StreamGroup();
      const opened: SseStream[] = [];
      for (let i = 0; i < 10; i++) {
        opened.push(streams.add(await gateway.stream(`/${topic.name}`)));
        await opened[i]!.untilEvents(1);
      }
      gateway.kill('SIGTERM');
      await eventually('503', async () => (await gateway.readiness()).status === 503);
      const { status, body } = await curl(
        ...['-H', 'Accept: text/event-stream'],
        `${gateway.http}/${topic.name}`,
      );
      expect([status, `${body}`]).toEqual([
        200,
        expect.stringMatching(/^retry:([12]\d{3}|3000)\n\n$/),
      ]);
      for (const stream of opened) {
        await within('the end of a stream', stream.over);
        expect(stream.isAtBlockEnd).toBe(true);
      }
      expect(await gateway.ended()).toBe(0);
      expect(workers.filter(isAlive)).toEqual([]);
    });

    testWorkers('ends all at once with SIGINT, and with kill -9', '2', async (...at) => {
      const [start, topic] = at;
      for (const signal of ['SIGINT', 'SIGKILL'] as const) {
        await using gateway = await start({ DRAIN_SECONDS: '3600' });
        const workers = workersOf(gateway);
        await using stream = await gateway.stream(`/${topic.name}`);
        await stream.untilEvents(1);
        gateway.kill(signal);
        await within('the end of a stream', stream.over);
        expect(await gateway.ended()).toBe(signal === 'SIGINT' ? 0 : null);
        await eventually('the end of the workers', async () => !workers.some(isAlive));
      }
    });

    testWorkers('takes auto for one a core, or one', 'auto', async (start, topic) => {
      await using gateway = await start();
      await using stream = await gateway.stream(`/${topic.name}`);
      await stream.untilEvents(1);
      expect(await gateway.stop()).toBe(0);
    });

    testWorkers('tells a port in use once, and leaves nothing behind', '2', async () => {
      const ports = await freePorts();
      const taken = createServer().listen(Number(ports.HTTPS_PORT), '0.0.0.0');
      const env = { ...ports, KAFKA_BROKERS: kafka.brokers, WORKERS: '2' };
      const outcome = await run(NODE.gateway, { cwd: await newFolder(), env });
      taken.close();
      const { stderr } = endedWith(1, 'the gateway', outcome);
      expect(stderr.match(/HTTPS_PORT: .* is in use/g)).toHaveLength(1);
      expect(stderr).toContain(ports.HTTPS_PORT);
      await expect(curl(`http://localhost:${ports.HTTP_PORT}/`)).rejects.toThrow();
    });
  });

  test('but 1 is a fault where there are none (Deno)', async () => {
    for (const workers of ['2', 'auto']) {
      const env = { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, WORKERS: workers };
      const outcome = await run(DENO.gateway, { cwd: await newFolder(), env });
      expect(endedWith(WRONG_SETTINGS, 'the gateway', outcome).stderr).toMatch(
        /WORKERS.*expected 1 on Deno/,
      );
    }
  });
});
