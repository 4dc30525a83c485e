import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { NumberedLoad } from '../support/numbered_load.ts';
import { type Command, Program, run } from '../support/program.ts';
import { PYTHON } from '../support/python.ts';
import { NODE } from '../support/runtimes.ts';
import { SseStream } from '../support/sse_stream.ts';
import { IS_ALL } from '../support/tier.ts';
import { Example } from './example.ts';

describe('examples/hono_app', () => {
  const DIST = pathToFileURL(process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist')).href;
  const DENO = join(CLONE, 'node_modules', '.bin', 'deno');
  const RUNTIMES: Readonly<Record<string, Command>> = {
    Node: [process.execPath],
    Deno: [DENO, 'run', '--quiet', '--allow-all', `--config=${join(CLONE, 'deno.json')}`],
  };

  /** Where the packages of the clone are found. */
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(CLONE, '.cache', 'hono-app-'));
    const text = await readFile(join(CLONE, 'examples', 'hono_app', 'app.mjs'), 'utf8');
    await writeFile(join(folder, 'app.mjs'), text.replaceAll("'../../dist/", `'${DIST}/`));
  });
  afterAll(() => rm(folder, { recursive: true }));

  test.each(Object.keys(RUNTIMES))(
    'has the gateway below a path on %s, and ends with SIGTERM',
    async (runtime) => {
      const topic = await kafka.createTopic();
      await topic.produce({ key: '1', value: 'Hello, world' });
      const PORT = String(await freePort());
      const env = { KAFKA_BROKERS: kafka.brokers, TOPICS: topic.name, PORT };
      await using app = new Program([...RUNTIMES[runtime]!, join(folder, 'app.mjs')], { env });
      const url = `http://localhost:${PORT}`;
      const isThere = (): Promise<string | null> =>
        fetch(url).then(
          (response) => response.text(),
          () => null,
        );
      expect(await eventually(`${url} of ${app.name}`, isThere)).toBe('The application itself\n');
      await using stream = await SseStream.open(`${url}/streams/${topic.name}`);
      expect((await stream.untilEvents(1))[0]!.data).toBe('Hello, world');
      const topics = await (await fetch(`${url}/streams/-/topics`)).json();
      expect(topics).toMatchObject({ topics: [{ name: topic.name, path: `/${topic.name}` }] });
      expect((await fetch(`${url}/streams/nothing`)).status).toBe(404);
      app.kill('SIGTERM');
      await app.endsWell();
      await within('the end of the stream', stream.over);
    },
  );
});

/** How many records it has stored so far. */
type CountStored = (folder: string) => Promise<number>;

const countsOfConsumer: CountStored = async (folder) => {
  const text = await readFile(join(folder, 'counts.json'), 'utf8').catch(() => '{"counts":{}}');
  return Object.values<number>(JSON.parse(text).counts).reduce((sum, count) => sum + count, 0);
};

const SELECT =
  'import sqlite3; print(sqlite3.connect("records.db").execute("select count(*) from records").fetchone()[0])';
const rowsOfWorker: CountStored = async (cwd) => {
  const { stdout } = await run([PYTHON, '-c', SELECT], { cwd });
  return Number(`${stdout}`); // Nothing, while there is no table yet.
};

describe('what is stored by', () => {
  // The packages of the worker are those of the tests, but for `npm run test:all`.
  test.each([
    ['node_consumer', /^npm install$/, countsOfConsumer],
    ['python_worker', IS_ALL ? /^/ : /^$/, rowsOfWorker],
  ] as const)(
    'examples/%s has every record once, however often it is killed',
    async (name, lines, countStored) => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.startReady(NODE, { topics: [topic.name] });
      const example = await Example.copy(name, gateway.http);
      await example.install(lines);
      const command = example.command.replace(/events$/, topic.name);
      const load = new NumberedLoad(topic);
      let stored = 0;
      for (let life = 0; life < 3; life++) {
        await using program = example.start(command);
        await eventually(
          () => `more records than ${stored}; it said ${program.stdout}${program.stderr}`,
          async () => !program.hasEnded && (await countStored(example.folder)) > stored,
        );
        await program[Symbol.asyncDispose]();
        stored = await countStored(example.folder);
      }
      const written = await load.stop();
      await using _ = example.start(command);
      const all = () => countStored(example.folder);
      await eventually('all records', async () => (await all()) >= written.length);
      await topic.produce({ value: 'the last' });
      await eventually('the last record', async () => (await all()) > written.length);
      expect(await all()).toBe(written.length + 1);
    },
    IS_ALL ? 600_000 : 240_000,
  );
});
