import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { build, type Plugin } from 'esbuild';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { readStaticFiles } from '../../runtime/server/files.ts';
import { eventually } from '../support/deadline.ts';
import { run, succeeded } from '../support/program.ts';
import { shared } from '../support/shared.ts';
import { TestBrowser } from '../support/test_browser.ts';
import { Page } from './pages.ts';

const FRAMEWORKS = ['react@19', 'react-dom@19', 'vue@3', 'svelte@5', 'solid-js@1'];
const INSTALL_MS = 480_000;

/** What uses each recipe: it shows the table, and can be taken off the page. */
const PAGES: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  React: {
    'main.jsx': `
      import { createRoot } from 'react-dom/client';
      import { Log, Price, Prices } from './recipe.jsx';
      const root = createRoot(document.querySelector('#root'));
      root.render(<><Prices /><Price name="b" /><Log /></>);
      globalThis.leave = () => root.unmount();`,
  },
  Vue: {
    'main.jsx': `
      import { createApp, h } from 'vue';
      import { useTable } from './use_table.js';
      const app = createApp({
        setup() {
          const { rows, status } = useTable('/prices', { parse: JSON.parse });
          const row = ([key, { price }]) => h('li', key + ': ' + price);
          return () => h('ul', { class: status.value }, [...rows.value].map(row));
        },
      });
      app.mount('#root');
      globalThis.leave = () => app.unmount();`,
  },
  Svelte: {
    'App.svelte': `
      <script>
        import { tableStore } from './table_store.js';
        const prices = tableStore('/prices', { parse: JSON.parse });
      </script>
      <ul class="live">{#each [...$prices] as [key, { price }] (key)}<li>{key}: {price}</li>{/each}</ul>`,
    'main.jsx': `
      import { mount, unmount } from 'svelte';
      import App from './App.svelte';
      const app = mount(App, { target: document.querySelector('#root') });
      globalThis.leave = () => unmount(app);`,
  },
  Solid: {
    'main.jsx': `
      import { createMemo } from 'solid-js';
      import html from 'solid-js/html';
      import { For, render } from 'solid-js/web';
      import { createTable } from './create_table.js';
      function App() {
        const rows = createTable('/prices', { parse: JSON.parse });
        const row = ([key, { price }]) => html\`<li>\${key}: \${price}</li>\`;
        const each = createMemo(() => [...rows()]);
        return html\`<ul class="live"><\${For} each=\${each}>\${row}<//></ul>\`;
      }
      globalThis.leave = render(App, document.querySelector('#root'));`,
  },
};

const files = await readStaticFiles(join(CLONE, 'public'));

describe('docs/use_from_a_framework.md', () => {
  const browser = shared(() => TestBrowser.launch());
  let script = '';
  let prices: ServerResponse | null = null;
  const server = createServer(({ url = '' }, response) => {
    const path = url.split('?')[0]!;
    const file = path === '/-/client.tgz' ? files.get(path) : undefined;
    const html =
      '<!doctype html><div id="root"></div><script type="module" src="page.js"></script>';
    if (file !== undefined) response.writeHead(200, { 'content-type': file.type }).end(file.bytes);
    else if (path === '/') response.writeHead(200, { 'content-type': 'text/html' }).end(html);
    else if (path === '/page.js') {
      response.writeHead(200, { 'content-type': 'text/javascript' }).end(script);
    } else if (path === '/prices' || path === '/events') {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('retry:1000\n\n');
      if (path === '/prices') prices = response;
      else response.write(record(0, 'line', 'a line'));
    } else response.writeHead(404).end();
  });
  let origin!: string;
  let folder!: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'recipes-'));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    await writeFile(join(folder, 'package.json'), '{"type":"module"}');
    const install = ['install', '--no-audit', '--no-fund', `${origin}/-/client.tgz`, ...FRAMEWORKS];
    const env = { PATH: process.env['PATH']!, HOME: folder };
    const outcome = await run(['npm', ...install], { cwd: folder, env }, INSTALL_MS);
    succeeded('npm install', outcome);
  });
  afterAll(async () => {
    server.close();
    server.closeAllConnections();
    await rm(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  test.each(Object.keys(PAGES))(
    '%s: shows a table and what changes, and closes it',
    async (name) => {
      const home = await mkdtemp(join(folder, 'page-'));
      const recipe = recipeOf(name);
      for (const [file, text] of Object.entries({ ...recipe, ...PAGES[name] })) {
        await writeFile(join(home, file), text);
      }
      const { outputFiles } = await build({
        entryPoints: [join(home, 'main.jsx')],
        bundle: true,
        format: 'esm',
        jsx: 'automatic',
        conditions: ['svelte', 'browser'],
        define: { 'process.env.NODE_ENV': '"production"' },
        plugins: [await svelteIn(folder)],
        write: false,
      });
      script = outputFiles[0]!.text;
      prices = null;
      await using tab = await browser().open(origin);
      const stream = await eventually(
        () => `its stream; ${tab.console}`,
        async () => prices,
      );
      const shows = async (...expected: string[]): Promise<void> => {
        const list = tab.page.locator('ul.live li');
        await eventually(
          () => `${expected} on the page; ${tab.console}`,
          async () => (await list.allTextContents()).join() === expected.join(),
        );
      };
      stream.write(`${record(0, 'a', 1)}${record(1, 'b', 2)}event:live\ndata:{}\nid:1\n\n`);
      await shows('a: 1', 'b: 2');
      stream.write(`${record(2, 'c', 3)}${record(3, 'b', 4)}${record(4, 'a', null)}`);
      await shows('b: 4', 'c: 3');
      if (name === 'React') {
        await tab.says('#root b', '4');
        await tab.says('#root pre', '"a line"\n');
      }
      const closed = once(stream, 'close');
      await tab.page.evaluate('leave()');
      await closed;
      expect(tab.console.filter((line) => line.startsWith('uncaught'))).toEqual([]);
    },
  );
});

/** A record of `format=json`; without a price it is a delete. */
function record(offset: number, key: string, price: number | string | null): string {
  const value = typeof price === 'number' ? JSON.stringify({ price }) : JSON.stringify(price);
  const data = { partition: 0, offset, timestamp: 0, key, value: price === null ? null : value };
  const type = price === null ? 'event:delete\n' : '';
  return `${type}data:${JSON.stringify(data)}\nid:${offset}\n\n`;
}

/** As it is printed: the file that its first line names; of React its components, which have no name. */
function recipeOf(name: string): Record<string, string> {
  const [, text = ''] = new Page('docs/use_from_a_framework.md').text.split(`\n## ${name}\n`);
  const [, code = ''] = /^```jsx?\n(.*?)^```$/ms.exec(text) ?? [];
  const [, file] = /^\/\/ (\S+)\n/.exec(code) ?? [];
  if (file !== undefined) return { [file]: code };
  const exported = code
    .replace('https://gateway.example', '')
    .replaceAll(/^function/gm, 'export function');
  return { 'recipe.jsx': exported };
}

/** Compiles components, as Svelte's own plugin for a bundler does. */
async function svelteIn(folder: string): Promise<Plugin> {
  const resolve = createRequire(join(folder, 'package.json')).resolve;
  const { compile } = await import(pathToFileURL(resolve('svelte/compiler')).href);
  return {
    name: 'svelte',
    setup({ onLoad }) {
      onLoad({ filter: /\.svelte$/ }, async ({ path }) => {
        const source = await readFile(path, 'utf8');
        return { contents: compile(source, { generate: 'client', filename: path }).js.code };
      });
    },
  };
}
