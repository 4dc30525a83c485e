import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { Issuer } from '../support/issuer.ts';
import { kafka } from '../support/kafka.ts';
import { Program } from '../support/program.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { ENGINES, type Engine } from './engines.ts';

/** To be looked at by people; git ignores them. */
const SCREENSHOTS = join(CLONE, 'test', 'screenshots');
const RESTARTS = 3;
const DEMO_MS = 180_000;
const FRAMES_SECONDS = 5;

/** Waits until a script gives this. */
async function until(engine: Engine, body: string, expected: unknown): Promise<void> {
  let seen: unknown;
  await eventually(
    () => `${JSON.stringify(expected)} of ${body}; it gives ${JSON.stringify(seen)}`,
    async () => {
      seen = await engine.run(body);
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
}

const untilText = (engine: Engine, selector: string, text: string): Promise<void> =>
  until(engine, `return document.querySelector('${selector}')?.textContent`, text);

/** What every way to read a topic has got, in the page. */
const FOLLOW = (path: string): string => `
  const [{ connect, table }, { shared }] = await Promise.all(
    ['/client.js', '/shared.js'].map((name) => import(name)));
  const ways = { source: new EventSource('${path}'), connect: connect('${path}'), shared: shared('${path}') };
  globalThis.got = {};
  for (const [name, way] of Object.entries(ways)) {
    globalThis.got[name] = [];
    for (const type of ['message', 'gap']) {
      way.addEventListener(type, ({ data }) => globalThis.got[name].push(data));
    }
  }
  globalThis.rows = table('${path}');`;

onAnyRuntime((runtime) => {
  const demo = shared(async () => {
    const port = await freePort();
    const options = ['--port', `${port}`, '--rate', '500', '--clients', '4'];
    const program = new Program(['npm', 'run', 'demo', '--', ...options], { cwd: CLONE });
    await program.complained('Ready: ', DEMO_MS);
    return {
      url: `http://localhost:${port}`,
      async [Symbol.asyncDispose]() {
        program.kill('SIGINT');
        await program.ended();
      },
    };
  });
  const issuer = shared(() => Issuer.start());

  describe.each(Object.entries(ENGINES))('%s', (name, start) => {
    const engine = shared(start);
    const see = async (state: string): Promise<void> => {
      await mkdir(SCREENSHOTS, { recursive: true });
      await engine().picture(join(SCREENSHOTS, `${state}-${name}.png`));
    };

    test('shows a topic on the page, live, as messages and as a table', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '{"n":1}' }, { key: 'b', value: '{"n":2}' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await engine().goto(`${gateway.https}/index.html`);
      await until(
        engine(),
        "return document.getElementById('location').value",
        `${gateway.https}/${topic.name}`,
      );
      await engine().click('#form button[type=submit]');
      await untilText(engine(), '#state', 'Live');
      await topic.produce({ key: 'a', value: '{"n":3}' });
      const messages =
        "return [...document.querySelectorAll('#messages > *')].map((row) => row.textContent)";
      await until(engine(), messages, ['{"n":3}', '{"n":2}', '{"n":1}']);
      await engine().click('#messages > *');
      await untilText(engine(), '#inspector h2', 'Message');
      const selected =
        "return document.querySelectorAll('#messages > [aria-selected=true]').length";
      await until(engine(), selected, 1);
      await see('engine-page');
      await engine().goto('about:blank');
      await engine().goto(`${gateway.https}/#location=/${topic.name}&view=table`);
      await untilText(engine(), '#keys', '2');
      await see('engine-table');
    });

    test.each(['http', 'https'] as const)(
      'has each record once by EventSource, connect, shared and table, over restarts: %s',
      async (scheme) => {
        const topic = await kafka.createTopic({ compacted: true });
        await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
        await engine().goto(`${gateway[scheme]}/client.js`);
        await engine().run(FOLLOW(`/${topic.name}`));
        const values: string[] = [];
        for (let n = 0; n <= RESTARTS; n++) {
          const before = n % 2 === 0;
          if (n > 0) await gateway.stop();
          const record = { key: `key ${n}`, value: `${n}` };
          if (before) await topic.produce(record);
          if (n > 0) await gateway.start();
          if (!before) await topic.produce(record);
          values.push(record.value);
          await until(engine(), 'return [globalThis.got, [...globalThis.rows.values()]]', [
            { source: values, connect: values, shared: values },
            values,
          ]);
        }
      },
    );

    test('reads with the cookie of a sign-in', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'a secret' });
      await using gateway = await HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: issuer().env,
      });
      await engine().goto(`${gateway.https}/client.js`);
      const status = await engine().run(`
        const headers = { authorization: 'Bearer ${await issuer().token()}' };
        return (await fetch('/-/sign-in', { method: 'POST', headers })).status;`);
      expect(status).toBe(204);
      const data = await engine().run(`
        return new Promise((done) => {
          const source = new EventSource('/${topic.name}');
          source.onmessage = ({ data }) => { source.close(); done(data); };
          source.addEventListener('unauthorized', ({ data }) => { source.close(); done(data); });
        });`);
      expect(data).toBe('a secret');
    });

    test('reads a stream that is compressed, block by block, and a long poll', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: '1', value: 'there' });
      await using gateway = await HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: { COMPRESSION: 'gzip' },
      });
      await engine().goto(`${gateway.https}/client.js`);
      const document = `fetch('/${topic.name}?until=live', { headers: { accept: 'application/json' } })`;
      expect(await engine().run(`return (await ${document}).headers.get('content-encoding')`)).toBe(
        'gzip',
      );
      await engine().run(FOLLOW(`/${topic.name}`));
      const got = 'return globalThis.got.source';
      await until(engine(), got, ['there']);
      await engine().run(`
        const { id } = await (await ${document}).json();
        const headers = { accept: 'application/json', 'last-event-id': id };
        globalThis.poll = fetch('/${topic.name}?wait=60', { headers }).then((answer) => answer.json());`);
      await topic.produce({ key: '2', value: 'live' });
      await until(engine(), got, ['there', 'live']);
      await until(engine(), 'return (await globalThis.poll).records.map(({ value }) => value)', [
        'live',
      ]);
    });

    test("shows the demo's page, 500 records a second", async () => {
      await engine().goto(demo().url);
      for (const id of ['#prices-state', '#order-state']) await untilText(engine(), id, 'live');
      const frames = (await engine().run(`
        const frames = [];
        let last = performance.now();
        const end = last + ${FRAMES_SECONDS * 1000};
        while (last < end) {
          const now = await new Promise(requestAnimationFrame);
          frames.push(now - last);
          last = now;
        }
        return frames.sort((a, b) => a - b);`)) as number[];
      const at = (part: number): string => frames[Math.floor(frames.length * part)]!.toFixed(1);
      process.stderr.write(
        `the demo in ${engine().name}: ${frames.length} frames in ${FRAMES_SECONDS} s, ` +
          `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, most ${at(0.9999)} ms\n`,
      );
      const counts =
        "return ['lost', 'doubled'].map((id) => document.getElementById(id).textContent)";
      expect(await engine().run(counts)).toEqual(['0', '0']);
      expect(
        await engine().run("return document.querySelectorAll('#prices tr').length"),
      ).toBeGreaterThan(300);
      await see('engine-demo');
    });
  });
});
