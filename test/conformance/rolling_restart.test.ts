import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { chromium } from 'playwright-core';
import { generate } from 'selfsigned';
import { eventually, within } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { H2Session } from '../support/h2_session.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { TcpBalancer } from '../support/tcp_balancer.ts';

const CHROMIUM = {
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
};

/** Reads on over streams that end, as an EventSource does. */
interface Client extends AsyncDisposable {
  readonly name: string;
  /** The values that it got, in order. */
  values(): Promise<readonly string[]>;
}

/** One over HTTP/1.1 or HTTP/2; a new connection for each stream. */
function startClient(name: string, url: string): Client {
  const values: string[] = [];
  let current: SseStream | null = null;
  let fault: unknown = null;
  let isOver = false;
  const follow = async (): Promise<void> => {
    for (let lastId = ''; !isOver; await delay(200)) {
      const h2 = name === 'HTTP/2' ? new H2Session(url) : null;
      try {
        const headers = { accept: 'text/event-stream', 'last-event-id': lastId };
        const options = h2 === null ? { headers } : { headers, h2: h2.session };
        const stream = await SseStream.open(url, options);
        // Any other status ends an EventSource for good.
        if (stream.status !== 200) throw new Error(`${stream.status}`);
        current = stream;
        await stream.over;
        values.push(...stream.events.map(({ data }) => data));
        lastId = stream.blocks.findLast(({ id }) => id !== '')?.id ?? lastId;
      } catch (error) {
        // A connection that is refused or cut is tried again.
        if (!(error as NodeJS.ErrnoException).code) throw error;
      } finally {
        await h2?.[Symbol.asyncDispose]();
      }
    }
  };
  const following = follow().catch((error) => {
    fault = error;
  });
  return {
    name,
    values: async () => {
      if (fault !== null) throw fault;
      const open = current === null || current.isOver ? [] : current.events;
      return [...values, ...open.map(({ data }) => data)];
    },
    [Symbol.asyncDispose]: async () => {
      isOver = true;
      current?.cut();
      await within(`the end of a client over ${name}`, following);
    },
  };
}

function startEventSource(url: string): Client {
  const values: string[] = [];
  const source = new EventSource(url);
  source.onmessage = ({ data }) => values.push(data);
  return {
    name: 'npm eventsource',
    values: async () => {
      if (source.readyState === source.CLOSED) throw new Error('it gave up');
      return values;
    },
    [Symbol.asyncDispose]: async () => source.close(),
  };
}

/** An EventSource of a page that came by the same way. */
async function startChromium(url: string): Promise<Client> {
  const browser = await within('Chromium', chromium.launch(CHROMIUM), 60_000);
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  await within('the page', page.goto(new URL('/index.html', url).href));
  await page.evaluate(`
    var values = [];
    var source = new EventSource(${JSON.stringify(url)});
    source.onmessage = ({ data }) => values.push(data);`);
  return {
    name: 'Chromium',
    values: async () => {
      if ((await page.evaluate('source.readyState')) === 2) throw new Error('it gave up');
      return (await page.evaluate('values')) as string[];
    },
    [Symbol.asyncDispose]: () => within('the end of Chromium', browser.close()),
  };
}

/** Writes numbered records until it is stopped. */
class Load {
  count = 0;
  #isStopped = false;
  readonly #ended: Promise<void>;

  constructor(topic: Topic) {
    this.#ended = (async () => {
      for (; !this.#isStopped; this.count++) {
        await topic.produce({ value: `${this.count}` });
        await delay(10);
      }
    })();
  }

  async stop(): Promise<number> {
    this.#isStopped = true;
    await this.#ended;
    return this.count;
  }
}

/** Both replicas have it: a browser's EventSource that meets another one gives up. */
async function certificate(): Promise<Record<string, string>> {
  const folder = await newFolder();
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
  const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
  await writeFile(files.TLS_CERT_FILE, cert);
  await writeFile(files.TLS_KEY_FILE, key);
  return files;
}

onEachRuntime((runtime) => {
  describe('a rolling restart of two replicas behind a TCP balancer, under load', () => {
    test('costs no client anything', async () => {
      const topic = await kafka.createTopic();
      const options = {
        topics: [topic.name],
        env: { DRAIN_SECONDS: '2', ...(await certificate()) },
      };
      await using first = await Gateway.startReady(runtime, options);
      await using second = await Gateway.startReady(runtime, options);
      const replicas = [first, second];
      const port = (url: string): number => Number(new URL(url).port);
      await using plain = await TcpBalancer.start(replicas.map(({ http }) => port(http)));
      await using secure = await TcpBalancer.start(replicas.map(({ https }) => port(https)));
      const url = `http://localhost:${plain.port}/${topic.name}`;
      const secureUrl = `https://localhost:${secure.port}/${topic.name}`;
      await using clients = new StreamGroup();
      const all: Client[] = [];
      for (let i = 0; i < 8; i++) {
        all.push(clients.add(startClient('HTTP/1.1', url)));
        all.push(clients.add(startClient('HTTP/1.1 over TLS', secureUrl)));
        all.push(clients.add(startClient('HTTP/2', secureUrl)));
        all.push(clients.add(startEventSource(url)));
      }
      all.push(clients.add(await startChromium(secureUrl)));
      const load = new Load(topic);
      await eventually('all clients to get something', async () => {
        const counts = await Promise.all(all.map(async (one) => (await one.values()).length));
        return counts.every((count) => count > 0);
      });
      for (const replica of replicas) {
        expect(await replica.stop()).toBe(0);
        await replica.start();
        await replica.untilReady();
      }
      const count = await load.stop();
      const expected = Array.from({ length: count }, (_, n) => `${n}`);
      for (const client of all) {
        await eventually(`all ${count} records by ${client.name}`, async () => {
          return (await client.values()).length >= count;
        });
        expect([client.name, await client.values()]).toEqual([client.name, expected]);
      }
    }, 180_000);
  });
});
