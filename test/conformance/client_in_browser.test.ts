import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';

/** A page of another origin than the gateway's. */
async function servePage(html: string): Promise<AsyncDisposable & { readonly url: string }> {
  const port = await freePort();
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(html);
  });
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${port}/`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((done) => server.close(done));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function untilTexts(tab: Tab, selector: string, expected: string[]): Promise<void> {
  let seen: string[] = [];
  await eventually(
    () => `${JSON.stringify(expected)}; there is ${JSON.stringify(seen)}, and ${tab.console}`,
    async () => {
      seen = await tab.page.locator(selector).allTextContents();
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
}

onRuntimesOfTier((runtime) => {
  describe('client.js in a browser', () => {
    const browser = shared(() => TestBrowser.launch());

    test('an EventSource with credentials opens from a listed origin', async () => {
      await using server = await servePage('');
      const env = { CORS_ORIGINS: new URL(server.url).origin };
      const topic = newName();
      await using gateway = await HostedGateway.start(runtime, { topics: [topic], env });
      await using tab = await browser().open(server.url);
      const opened = tab.page.evaluate(
        (url) =>
          new Promise((done) => {
            const source = new EventSource(url, { withCredentials: true });
            for (const type of ['open', 'error']) source.addEventListener(type, () => done(type));
          }),
        `${gateway.http}/${topic}`,
      );
      expect(await within('an EventSource', opened)).toBe('open');
    });

    test('docs/live_table.html shows a live table from another origin', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '<i>2' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const text = await readFile(join(CLONE, 'docs', 'live_table.html'), 'utf8');
      const html = text
        .replaceAll('https://localhost:9090/events', `${gateway.https}/${topic.name}`)
        .replaceAll('https://localhost:9090', gateway.https);
      await using server = await servePage(html);
      await using tab = await browser().open(server.url);
      await untilTexts(tab, '#rows td', ['a', '1', 'b', '<i>2']);
      await topic.produce({ key: 'a' }, { key: 'c', value: '3' });
      await untilTexts(tab, '#rows td', ['b', '<i>2', 'c', '3']);
      // Away and back: the last id goes in the query, which takes no preflight.
      const preflights: string[] = [];
      tab.page.on('request', (request) => {
        if (request.method() === 'OPTIONS') preflights.push(request.url());
      });
      await gateway.stop();
      await topic.produce({ key: 'b' });
      const again = tab.page.waitForRequest((request) => request.url().includes('lastEventId='));
      await gateway.start();
      await again;
      await untilTexts(tab, '#rows td', ['c', '3']);
      expect(preflights).toEqual([]);
    });

    test('goes on after a reload where it was, with the id that sessionStorage has', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: '1' }, { value: '2' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using server = await servePage(`<!doctype html><ol id="list"></ol>
        <script type="module">
          import { connect } from '${gateway.https}/client.js';
          connect('${gateway.https}/${topic.name}', { store: sessionStorage }).onmessage = ({ data }) =>
            list.append(Object.assign(document.createElement('li'), { textContent: data }));
        </script>`);
      await using tab = await browser().open(server.url);
      await untilTexts(tab, '#list li', ['1', '2']);
      await tab.page.reload();
      await topic.produce({ value: '3' });
      await untilTexts(tab, '#list li', ['3']);
    });

    test('sees Retry-After and the words of a refusal from another origin', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await HostedGateway.startReady(runtime, {
        topics: [topic.name],
        env: { MAX_CONNECTIONS: '1' },
      });
      await using stream = await gateway.stream(`/${topic.name}`);
      expect(stream.status).toBe(200);
      await using server = await servePage(`<!doctype html><p id="error"></p>
        <script type="module">
          import { connect } from '${gateway.https}/client.js';
          connect('${gateway.https}/${topic.name}').onerror = ({ error, retryMs }) => {
            document.querySelector('#error').textContent = error.status + ' ' + (retryMs >= 10000);
          };
        </script>`);
      await using tab = await browser().open(server.url);
      await untilTexts(tab, '#error', ['503 true']);
    });
  });
});
