import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { kafka } from '../support/kafka.ts';
import { type Command, Program } from '../support/program.ts';
import { SseStream } from '../support/sse_stream.ts';
import { Page } from './pages.ts';

const DIST = pathToFileURL(process.env['GATEWAY_DIST'] ?? join(CLONE, 'dist')).href;
const DENO = join(CLONE, 'node_modules', '.bin', 'deno');
const RUNTIMES: Readonly<Record<string, Command>> = {
  Node: [process.execPath],
  Deno: [DENO, 'run', '--quiet', '--allow-all', `--config=${join(CLONE, 'deno.json')}`],
};

/** Where the packages of the clone are found. */
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(CLONE, '.cache', 'mount-it-'));
  const { text } = new Page('docs/mount_it.md').blocks[0]!;
  await writeFile(join(folder, 'app.mjs'), text.replaceAll("'./dist/", `'${DIST}/`));
});
afterAll(() => rm(folder, { recursive: true }));

test.each(Object.keys(RUNTIMES))(
  'the app of docs/mount_it.md has the gateway below a path on %s, and ends with SIGTERM',
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
