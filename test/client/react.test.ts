import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { useStream, useTable } from '../../public/client/react.js';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { TestBrowser } from '../support/test_browser.ts';

/** Its types are a package of their own, which nothing else here needs. */
const load = (name: string) => import(name);
const { createElement, StrictMode } = await load('react');
const { renderToString } = await load('react-dom/server');

const PAGE = join(CLONE, 'test', 'client', 'react_page.mjs');
const KEYS = 10_000;
const CHANGES = 1500;
/** 500 a second. */
const CHANGE_MS = 2;

interface Counts {
  readonly frames: number;
  readonly renders: Readonly<Record<string, number>>;
}

function record(offset: number, key: string, value: string): string {
  const data = JSON.stringify({ partition: 0, offset, timestamp: 0, key, value });
  return `data:${data}\nid:${offset}\n\n`;
}
const live = (offset: number) => `event:live\ndata:{}\nid:${offset}\n\n`;

function App() {
  const rows = useTable('/prices', { select: ({ size }) => size });
  const { data, status } = useStream('/events');
  return createElement('p', null, [rows.data, rows.status, data.length, status].join());
}

describe('useTable() and useStream()', () => {
  test('useTable() and useStream() show nothing on the server, and open nothing', () => {
    const html = renderToString(createElement(StrictMode, null, createElement(App)));
    expect(html).toBe('<p>0,connecting,0,connecting</p>');
  });

  test('useTable() renders once a frame at most, and only what has changed, under StrictMode', async () => {
    const { outputFiles } = await build({
      entryPoints: [PAGE],
      bundle: true,
      format: 'esm',
      define: { 'process.env.NODE_ENV': '"development"' },
      write: false,
    });
    const opened: string[] = [];
    const streams = new Map<string, ServerResponse>();
    const server = createServer((request, response) => {
      const path = request.url!.split('?')[0]!;
      if (path === '/') {
        const html =
          '<!doctype html><div id="root"></div><script type="module" src="page.js"></script>';
        response.writeHead(200, { 'content-type': 'text/html' }).end(html);
      } else if (path === '/page.js') {
        const type = { 'content-type': 'text/javascript' };
        response.writeHead(200, type).end(outputFiles[0]!.contents);
      } else if (path === '/prices' || path === '/events') {
        opened.push(path);
        streams.set(path, response);
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry:1000\n\n');
      } else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    try {
      await using browser = await TestBrowser.launch();
      const { port } = server.address() as AddressInfo;
      await using tab = await browser.open(`http://127.0.0.1:${port}/`);
      const { page } = tab;
      const counts = (): Promise<Counts> => page.evaluate('counts()');
      await eventually('both streams', async () => streams.size === 2);
      const prices = streams.get('/prices')!;
      const rows = Array.from({ length: KEYS }, (_, n) => record(n, `k${n}`, '0'));
      prices.write(`${rows.join('')}${record(KEYS, 'still', 'here')}${live(KEYS)}`);
      streams.get('/events')!.write([1, 2, 3, 4].map((n) => record(n, 'e', `${n}`)).join(''));
      await tab.says('#size', `${KEYS + 1} live true`);
      await tab.says('#still', 'here');
      await tab.says('#last', '2,3,4');

      const before = await counts();
      await new Promise<void>((done) => {
        let n = 0;
        const timer = setInterval(() => {
          n += 1;
          prices.write(record(KEYS + n, `k${n % 7}`, `${n}`));
          if (n < CHANGES) return;
          clearInterval(timer);
          done();
        }, CHANGE_MS);
      });
      const last = CHANGES - ((CHANGES - 1) % 7);
      await tab.says('#k1', `${last}`);
      const after = await counts();
      const rendered = (name: string): number => after.renders[name]! - before.renders[name]!;
      // StrictMode calls each component twice.
      const frames = after.frames - before.frames;
      expect(rendered('size') / 2).toBeLessThanOrEqual(frames + 1);
      expect(rendered('k1') / 2).toBeLessThanOrEqual(frames + 1);
      expect([rendered('size') > 0, rendered('still'), rendered('last')]).toEqual([true, 0, 0]);

      expect(opened.sort()).toEqual(['/events', '/prices']);
      const ended = Promise.all(
        [...streams.values()].map((response) => new Promise((done) => response.on('close', done))),
      );
      await page.evaluate('leave()');
      await ended;
      expect(tab.console.filter((line) => line.startsWith('uncaught'))).toEqual([]);
    } finally {
      server.close();
      server.closeAllConnections();
    }
  });
});
