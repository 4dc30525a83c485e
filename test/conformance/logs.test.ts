import { describe, expect, test } from '@jest/globals';
import { readVersion } from '../../runtime/version.ts';
import { curl } from '../support/curl.ts';
import { eventually } from '../support/deadline.ts';
import { freePort, freePorts } from '../support/free_port.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { Program, run } from '../support/program.ts';
import { Relay } from '../support/relay.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';

const VERSION = readVersion();

interface Line {
  readonly level: string;
  readonly message: string;
  readonly logger: string;
  readonly [field: string]: unknown;
}

/** All lines so far. @throws for one that is no JSON object with what each has */
function linesOf({ stderr }: Pick<Gateway, 'stderr'>): Line[] {
  return stderr
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const fields = JSON.parse(line) as Line;
      expect(fields).toMatchObject({
        '@timestamp': expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
        level: expect.stringMatching(/^(DEBUG|INFO|WARN|ERROR|FATAL)$/),
        logger: expect.stringMatching(/^sse-kafka\b/),
        message: expect.stringMatching(/\S/),
      });
      return fields;
    });
}

async function untilLogged(gateway: Gateway, what: string, look: (line: Line) => boolean) {
  return eventually(
    () => `${what}; the log is ${gateway.stderr}`,
    async () => linesOf(gateway).find(look) ?? null,
  );
}

/** One client has a stream, another one is refused, and the first leaves. */
async function comeAndGo(gateway: Gateway, { name }: Topic): Promise<void> {
  const stream = await gateway.stream(`/${name}`);
  expect((await curl(`${gateway.http}/${name}`)).status).toBe(503);
  await stream[Symbol.asyncDispose]();
  await untilScraped('the stream to be let go', gateway, (scrape) => {
    return scrape.value('sse_kafka_connections', { topic: name }) === 0;
  });
}

onEachRuntime((runtime) => {
  describe('the log', () => {
    test('is JSON where no terminal is: start, listening, loaded, drain, stop, many topics; no stream', async () => {
      const topic = await kafka.createTopic();
      const { name } = topic;
      const missing = Array.from({ length: 12 }, newName);
      await using gateway = await Gateway.start(runtime, {
        topics: [name, ...missing],
        // Its end comes at once all the same: no stream is open.
        env: { DRAIN_SECONDS: '3600', MAX_CONNECTIONS: '1' },
      });
      await gateway.says('is loaded');
      const readiness = await gateway.readiness();
      await comeAndGo(gateway, topic);
      expect(await gateway.stop()).toBe(0);
      const lines = linesOf(gateway);
      const levels = lines.map(({ message }) => (message.includes('not exist') ? 'WARN' : 'INFO'));
      expect(lines.map(({ level }) => level)).toEqual(levels);
      expect(lines.filter(({ logger }) => logger === 'sse-kafka.http')).toEqual([]);
      const order = [/^Starting/, /^Listening: /, /is loaded$/, /^Draining/, /^Stopped$/];
      const found = order.map((word) => lines.findIndex(({ message }) => word.test(message)));
      expect(found).toEqual([...found].sort((a, b) => a - b));
      expect(found).not.toContain(-1);
      expect(lines[0]!.message).toContain(name);
      expect(lines[0]!['version']).toBe(VERSION);
      expect(readiness).toMatchObject({ version: VERSION });
      const listening = lines[found[1]!]!.message;
      for (const url of [gateway.http, gateway.https, gateway.admin, kafka.brokers]) {
        expect(listening).toContain(url);
      }
    });

    test('tells of a stream at debug, with topic, address and reason', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { LOG_LEVEL: 'debug', MAX_CONNECTIONS: '1' },
      });
      await comeAndGo(gateway, topic);
      const address = expect.stringMatching(/127\.0\.0\.1|::1/);
      const told = linesOf(gateway).filter(({ logger }) => logger === 'sse-kafka.http');
      expect(told).toMatchObject([
        { level: 'DEBUG', topic: topic.name, address },
        { level: 'DEBUG', reason: 'max_connections', address },
        { level: 'DEBUG', topic: topic.name, reason: 'client', address },
      ]);
    });

    test('tells of trouble with the brokers and of its end', async () => {
      const port = await freePort();
      await using gateway = await Gateway.start(runtime, {
        topics: [newName()],
        env: { KAFKA_BROKERS: `localhost:${port}` },
      });
      const ofBrokers = (level: string, words: string) => (line: Line) =>
        line.logger === 'sse-kafka.brokers' &&
        line.level === level &&
        line.message.startsWith(words);
      const trouble = await untilLogged(gateway, 'the trouble', ofBrokers('WARN', 'Cannot read'));
      const name = `broker localhost:${port}`;
      await untilLogged(gateway, 'who is lost', ofBrokers('INFO', `No connection to ${name}: `));
      expect(trouble['error']).toMatch(/\w/);
      await using _relay = await Relay.startAt(port, Number(kafka.brokers.split(':')[1]));
      await untilLogged(gateway, 'its end', ofBrokers('INFO', 'Kafka can be read again'));
      await untilLogged(gateway, 'who is back', ofBrokers('INFO', `Connected to ${name} again`));
    });

    test('is none where only the version is asked for', async () => {
      const asked = await run([...runtime.gateway, '--version'], { cwd: await newFolder() });
      expect([asked.stdout.toString(), asked.stderr, asked.code]).toEqual([`${VERSION}\n`, '', 0]);
    });

    test('is text on a terminal', async () => {
      const topic = await kafka.createTopic();
      const inTerminal = ['python3', '-c', 'import pty, sys; pty.spawn(sys.argv[1:])'] as const;
      await using program = new Program([...inTerminal, ...runtime.gateway], {
        cwd: await newFolder(),
        env: { ...(await freePorts()), KAFKA_BROKERS: kafka.brokers, TOPICS: topic.name },
      });
      await program.printed('is loaded');
      // Behind the last one the beginning of another may stand.
      const lines = program.stdout.toString().split(/\r?\n/).slice(0, -1);
      for (const line of lines) expect(line).toMatch(/^\d\d:\d\d:\d\d\.\d{3} INFO {4}\S/);
      expect(lines.join('\n')).toMatch(/ Listening: streams and page at http:/);
    });
  });
});
