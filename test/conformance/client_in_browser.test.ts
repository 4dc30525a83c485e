import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { join } from 'node:path';
import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually, within } from '../support/deadline.ts';
import { freePort } from '../support/free_port.ts';
import { newFolder } from '../support/gateway.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { Program } from '../support/program.ts';
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

    test('docs/rendered_page.mjs renders what is there, and goes on in the browser without a gap', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '<i>"&' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      const port = await freePort();
      const text = await readFile(join(CLONE, 'docs', 'rendered_page.mjs'), 'utf8');
      const file = join(await newFolder(), 'rendered_page.mjs');
      await writeFile(
        file,
        text
          .replace('http://localhost:8080', gateway.http)
          .replaceAll('/events?', `/${topic.name}?`)
          .replace('3000', `${port}`),
      );
      await using _ = new Program([process.execPath, file]);
      const url = `http://localhost:${port}/`;
      const rendered = await eventually('the page', async () => {
        const response = await fetch(url).catch(() => null);
        return response?.ok ? response.text() : null;
      });
      expect(rendered).toContain('<li data-key="a">1</li><li data-key="b">&lt;i>&quot;&amp;</li>');

      // A browser may take its time to run what it was sent.
      await topic.produce({ key: 'c', value: '3' }, { key: 'a' }, { key: 'b', value: 'two' });
      await using server = await servePage(rendered);
      await using late = await browser().open(server.url);
      await untilTexts(late, '#rows li', ['two', '3']);
      await using tab = await browser().open(url);
      await untilTexts(tab, '#rows li', ['3', 'two']);
      await topic.produce({ key: 'd', value: 'live' }, { key: 'c' });
      await untilTexts(late, '#rows li', ['two', 'live']);
      await untilTexts(tab, '#rows li', ['two', 'live']);
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
