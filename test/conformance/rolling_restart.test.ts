import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { EventSource } from 'eventsource';
import { chromium } from 'playwright-core';
import { generate } from 'selfsigned';
import { CHROMIUM } from '../support/chromium.mjs';
import { DEADLINE_MS, eventually, within } from '../support/deadline.ts';
import { Gateway, newFolder } from '../support/gateway.ts';
import { kafka } from '../support/kafka.ts';
import { NumberedLoad } from '../support/numbered_load.ts';
import { ReturningClient } from '../support/returning_client.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { TcpBalancer } from '../support/tcp_balancer.ts';

/** Reads on over streams that end, as an EventSource does. */
interface Client extends AsyncDisposable {
  readonly name: string;
  /** The values that it got, in order. */
  values(): Promise<readonly string[]>;
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
  const browser = await within('Chromium', chromium.launch(CHROMIUM));
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  context.setDefaultTimeout(DEADLINE_MS);
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

/** Both replicas have it: a browser's EventSource that meets another one gives up. */
async function certificate(): Promise<Record<string, string>> {
  const folder = await newFolder();
  const { cert, private: key } = await generate([{ name: 'commonName', value: 'localhost' }]);
  const files = { TLS_CERT_FILE: join(folder, 'cert.pem'), TLS_KEY_FILE: join(folder, 'key.pem') };
  await writeFile(files.TLS_CERT_FILE, cert);
  await writeFile(files.TLS_KEY_FILE, key);
  return files;
}

onRuntimesOfTier((runtime) => {
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
        all.push(clients.add(new ReturningClient('HTTP/1.1', url)));
        all.push(clients.add(new ReturningClient('HTTP/1.1 over TLS', secureUrl)));
        all.push(clients.add(new ReturningClient('HTTP/2', secureUrl)));
        all.push(clients.add(startEventSource(url)));
      }
      all.push(clients.add(await startChromium(secureUrl)));
      const load = new NumberedLoad(topic);
      await eventually('all clients to get something', async () => {
        const counts = await Promise.all(all.map(async (one) => (await one.values()).length));
        return counts.every((count) => count > 0);
      });
      for (const replica of replicas) {
        expect(await replica.stop()).toBe(0);
        await replica.start();
        await replica.untilReady();
      }
      const expected = await load.stop();
      for (const client of all) {
        await eventually(`all ${expected.length} records by ${client.name}`, async () => {
          return (await client.values()).length >= expected.length;
        });
        expect([client.name, await client.values()]).toEqual([client.name, expected]);
      }
    });
  });
});
