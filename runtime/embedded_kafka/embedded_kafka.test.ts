import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { eventually } from '../../test/support/deadline.ts';
import { freePort } from '../../test/support/free_port.ts';
import { IS_ALL } from '../../test/support/tier.ts';
import { runningBroker, startBroker } from './broker.ts';
import {
  acquireEmbeddedKafka,
  type EmbeddedKafka,
  keepEmbeddedKafka,
  resetEmbeddedKafka,
  stopEmbeddedKafka,
} from './embedded_kafka.ts';
import { fetchJars } from './jars.ts';
import { findJava } from './java.ts';
import { identityOf, isRunning, type ProcessIdentity } from './process_identity.ts';
import { serverProperties } from './server_properties.ts';
import { killProcess } from './stop_process.ts';
import { formatStorage, LOG_DIR, readClusterId } from './storage.ts';
import { Users } from './users.ts';

const run = promisify(execFile);

/** What needs brokers of its own, and seldom changes; the docs have `npm run kafka` (`test/docs/commands.test.ts`). */
const testOfAll = IS_ALL ? test : () => {};

/** A folder that was made once for most of the cases of all: it costs a JVM. */
const made = mkdtempSync(join(tmpdir(), 'embedded-kafka-made-'));
beforeAll(async () => {
  // All of this has to work on a machine that is set to Turkish, too.
  process.env['JAVA_TOOL_OPTIONS'] = '-Duser.language=tr -Duser.country=TR';
  if (!IS_ALL) return;
  const signal = AbortSignal.timeout(300_000);
  const jars = await fetchJars(signal, () => {});
  const properties = (logDir: string): string =>
    serverProperties({ port: 1, controllerPort: 2, ipv6: false, logDir, properties: {} });
  await formatStorage(await findJava(signal), jars, made, properties, signal);
});
afterAll(() => rmSync(made, { recursive: true }));

let folder: string;
let dataDir: string;
let port: number;
const children: ChildProcess[] = [];
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'embedded-kafka-'));
  dataDir = join(folder, 'kafka');
  port = await freePort();
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const name of readdirSync(folder)) {
    const left = runningBroker(join(folder, name));
    if (left !== null) await killProcess(left);
  }
  rmSync(folder, { recursive: true });
});

/** As after a first start. */
function copyMade(): void {
  cpSync(join(made, LOG_DIR), join(dataDir, LOG_DIR), { recursive: true });
}

const quiet = (): void => {};
const options = () => ({
  port,
  dataDir,
  topics: ['events'],
  signal: AbortSignal.timeout(200_000),
  onProgress: quiet,
});
const acquire = (more: object = {}): Promise<EmbeddedKafka> =>
  acquireEmbeddedKafka({ ...options(), ...more });

function running(): ProcessIdentity {
  const identity = runningBroker(dataDir);
  if (identity === null) throw new Error('no broker runs');
  return identity;
}

async function produce(value: string): Promise<void> {
  const command = `printf '%s' "$1" | kcat -P -b "localhost:$2" -t events -k 1`;
  await run('sh', ['-c', command, 'sh', value, String(port)], { timeout: 90_000 });
}

async function consume(): Promise<string[]> {
  const args = ['-C', '-b', `localhost:${port}`, '-t', 'events', '-e', '-q'];
  const { stdout } = await run('kcat', args, { timeout: 90_000 });
  return stdout.split('\n').filter((line) => line !== '');
}

/** Takes connections and never answers. */
async function listen(host: string): Promise<Server> {
  const server = createServer().listen({ host, port });
  await once(server, 'listening');
  return server;
}

async function listTopics(): Promise<string> {
  const args = ['-L', '-b', `localhost:${port}`];
  const { stdout, stderr } = await run('kcat', args, { timeout: 90_000 });
  expect(stderr).toBe('');
  return stdout;
}

test('acquireEmbeddedKafka() starts one broker for all, ends it with the last, keeps the records', async () => {
  const first = await acquire();
  expect(first.brokers).toBe(`localhost:${port}`);
  const broker = running();
  await produce('kept');

  const second = await acquire({ topics: ['events', 'orders'] });
  expect(running()).toBe(broker);
  const listed = await listTopics();
  expect(listed).toContain('topic "events" with 1 partitions');
  expect(listed).toContain('topic "orders" with 1 partitions');

  // The names of Kafka's metrics would collide.
  await expect(acquire({ topics: ['a.b', 'a_b'] })).rejects.toThrow(/topic a_b .*collides.*TOPICS/);
  await first.release();
  expect(isRunning(broker)).toBe(true);
  await second.release();
  expect(isRunning(broker)).toBe(false);
  await second.release();

  const later = await acquire();
  expect(running()).not.toBe(broker);
  expect(await consume()).toEqual(['kept']);
  await later.release();
});

testOfAll(
  'acquireEmbeddedKafka() starts one broker for two at once, takes over what a killed gateway left, and lets it end with the last',
  async () => {
    copyMade();
    const lines: string[] = [];
    const onProgress = (line: string): void => void lines.push(line);
    const both = await Promise.all([acquire({ onProgress }), acquire({ onProgress })]);
    expect(lines.filter((line) => line.startsWith('starting'))).toHaveLength(1);
    const broker = running();
    /** A gateway that cannot say that it ends. */
    const other = (): ChildProcess => {
      const gateway = spawn('sleep', ['60']);
      children.push(gateway);
      new Users(dataDir).add(identityOf(gateway.pid!)!, 'gateway');
      return gateway;
    };
    const first = other();
    await Promise.all(both.map((one) => one.release()));
    expect(isRunning(broker)).toBe(true);

    first.kill('SIGKILL');
    const next = await acquire();
    expect(running()).toBe(broker);
    const last = other();
    await next.release();
    expect(isRunning(broker)).toBe(true);
    last.kill('SIGKILL');
    await eventually('the broker to end', async () => !isRunning(broker));
  },
);

testOfAll(
  'acquireEmbeddedKafka() starts again after kill -9 of the broker, and keeps the records',
  async () => {
    copyMade();
    const first = await acquire();
    const broker = running();
    await produce('before');
    await killProcess(broker);

    const second = await acquire();
    expect(running()).not.toBe(broker);
    await produce('after');
    expect(await consume()).toEqual(['before', 'after']);
    await first.release();
    await second.release();
  },
);

testOfAll(
  'acquireEmbeddedKafka() knows ours by its cluster id, and leaves any other Kafka alone',
  async () => {
    const other = join(folder, 'other');
    const broker = await startBroker({ ...options(), dataDir: other });
    await expect(acquire()).rejects.toMatchObject({
      code: 'EMBEDDED_KAFKA',
      message: expect.stringMatching(
        `^localhost:${port} is in use by a Kafka that is not ours \\(cluster id .{22}\\)\\. ` +
          `Set EMBEDDED_KAFKA_PORT .* or KAFKA_BROKERS=localhost:${port} `,
      ),
    });
    expect(existsSync(join(dataDir, 'log'))).toBe(false);
    expect(await stopEmbeddedKafka(options())).toBe(false);
    expect(isRunning(identityOf(broker.pid)!)).toBe(true);

    // Ours, though nobody knows its process any more: it is used, and cannot be stopped.
    rmSync(join(other, 'broker'));
    const user = await acquire({ dataDir: other });
    expect(await listTopics()).toContain('topic "events"');
    await user.release();
    expect(isRunning(identityOf(broker.pid)!)).toBe(true);
    await broker.stop();
    expect(identityOf(broker.pid)).toBeNull();
  },
);

test.each(['127.0.0.1', '::1'])(
  'acquireEmbeddedKafka() does not wait for something silent on %s',
  async (host) => {
    const server = await listen(host);
    await expect(acquire()).rejects.toThrow(
      /is in use by something that does not answer as a Kafka does.*EMBEDDED_KAFKA_PORT.*KAFKA_BROKERS/,
    );
    server.close();
  },
);

testOfAll('acquireEmbeddedKafka() stops the broker again when it is aborted', async () => {
  copyMade();
  const abort = new AbortController();
  let broker: ProcessIdentity | null = null;
  const aborted = acquire({ signal: abort.signal });
  const deadline = Date.now() + 90_000;
  while (broker === null && Date.now() < deadline) {
    await new Promise((next) => setTimeout(next, 10));
    broker = runningBroker(dataDir);
  }
  abort.abort();
  await expect(aborted).rejects.toThrow(/abort/i);
  expect(broker).not.toBeNull();
  expect(isRunning(broker!)).toBe(false);
});

testOfAll(
  'keepEmbeddedKafka() outlives every gateway; resetEmbeddedKafka() ends it and wipes the records',
  async () => {
    copyMade();
    expect(await keepEmbeddedKafka(options())).toMatchObject({ started: true });
    const broker = running();
    expect(await keepEmbeddedKafka(options())).toMatchObject({ started: false });
    await (await acquire()).release();
    expect(running()).toBe(broker);

    const gateway = await acquire();
    expect(await resetEmbeddedKafka(options())).toBe(true);
    expect(isRunning(broker)).toBe(false);
    expect(readClusterId(dataDir)).toBeNull();
    await gateway.release();
    expect(await resetEmbeddedKafka(options())).toBe(false);
  },
);

test('startBroker() says why Kafka did not start, and leaves nothing running', async () => {
  const properties = { 'num.io.threads': '0' };
  await expect(startBroker({ ...options(), properties })).rejects.toThrow(
    /could not .*num\.io\.threads.*KAFKA_BROKERS/,
  );
  const server = await listen('127.0.0.1');
  await expect(startBroker(options())).rejects.toThrow(
    /could not be started.*Address already in use.*kafka\.log/,
  );
  expect(runningBroker(dataDir)).toBeNull();
  server.close();
});
