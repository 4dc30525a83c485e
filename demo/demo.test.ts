import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import process from 'node:process';
import { expect, test } from '@jest/globals';
import type { AxeResults } from 'axe-core';
import { allProcesses } from '../bench/process_tree.mjs';
import { CLONE } from '../runtime/embedded_kafka/clone.ts';
import { eventually } from '../test/support/deadline.ts';
import { freePort } from '../test/support/free_port.ts';
import type { Program } from '../test/support/program.ts';
import { Terminal } from '../test/support/terminal.ts';
import { type Tab, TestBrowser } from '../test/support/test_browser.ts';

const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
/** To be looked at by people; git ignores them. */
const SCREENSHOTS = join(CLONE, 'test', 'screenshots');
const START_MS = 180_000;
const EVERYTHING_AGAIN = 'have everything again';

/** All that a process has started, and what these have. */
function below(root: number): number[] {
  const parents = [...allProcesses()].map(([pid, { parent }]) => [pid, parent] as const);
  const found = [root];
  for (const pid of found)
    found.push(...parents.filter(([, of]) => of === pid).map(([one]) => one));
  return found.slice(1);
}

const folderOf = (port: number): string => join(CLONE, '.data', 'demo', `${port}`);

async function start(port: number): Promise<Terminal> {
  const options = ['--port', `${port}`, '--rate', '300', '--clients', '20'];
  const short = ['--outage', '1', '--away', '1'];
  const demo = new Terminal(['npm', 'run', 'demo', '--', ...options, ...short], {
    cwd: CLONE,
    env: { PATH: process.env['PATH']!, HOME: process.env['HOME']! },
  });
  await demo.printed('Ready: ', START_MS);
  return demo;
}

async function untilGone(demo: Program, pids: readonly number[], port: number): Promise<void> {
  const left = () => pids.filter((pid) => allProcesses().has(pid));
  await eventually(
    () => `the end of ${left()}; ${demo.stdout}`,
    async () => left().length === 0,
  );
  await expect(fetch(`http://localhost:${port}/dial`)).rejects.toThrow();
}

async function press(tab: Tab, name: string): Promise<void> {
  const news = tab.page.locator('#news li', { hasText: EVERYTHING_AGAIN });
  const before = await news.count();
  await tab.page.getByRole('button', { name }).click();
  await eventually(
    () => `all clients to have everything again after "${name}"; ${tab.console}`,
    async () => (await news.count()) > before,
  );
}

test('npm run demo shows a market that loses and doubles nothing, and ends all that it started', async () => {
  const port = await freePort();
  await using demo = await start(port);
  await using browser = await TestBrowser.launch();
  await using tab = await browser.open(`http://localhost:${port}`, { reducedMotion: 'reduce' });
  await tab.says('#prices-state', 'live');
  await tab.says('#order-state', 'live');
  await tab.says('#clients', '20');
  await tab.page.locator('#prices tr').nth(7).click();
  await tab.page.locator('#order').fill('2');
  await tab.page.locator('#order').press('Tab');
  await tab.says('#order-url', '/orders?key=order-2');
  for (const button of ['Cut all connections', 'Kill a gateway', 'Kill the broker']) {
    await press(tab, button);
  }
  await tab.says('#broker span', 'runs');
  for (const state of ['#prices-state', '#order-state']) await tab.says(state, 'live');
  await tab.page.locator('#events li').nth(1).waitFor();
  await tab.says('#behind', '0');
  expect(await tab.page.locator('#lost').textContent()).toBe('0');
  expect(await tab.page.locator('#doubled').textContent()).toBe('0');

  await mkdir(SCREENSHOTS, { recursive: true });
  await tab.page.evaluate(await readFile(AXE, 'utf8'));
  for (const colorScheme of ['light', 'dark'] as const) {
    await tab.page.emulateMedia({ colorScheme });
    for (const width of [1280, 390]) {
      await tab.page.setViewportSize({ width, height: 844 });
      const scrolled = await tab.page.evaluate(() => document.documentElement.scrollWidth);
      expect([width, scrolled]).toEqual([width, width]);
      const path = join(SCREENSHOTS, `demo-${width}-${colorScheme}.png`);
      await tab.page.screenshot({ path, fullPage: width === 390 });
    }
    const { violations } = (await tab.page.evaluate('axe.run()')) as AxeResults;
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html)}`)).toEqual(
      [],
    );
  }
  expect(tab.console.filter((line) => line.startsWith('uncaught'))).toEqual([]);

  const pids = below(demo.pid);
  expect(pids.length).toBeGreaterThan(5);
  demo.interrupt();
  expect(await demo.ended()).toBe(0);
  await untilGone(demo, pids, port);
  expect(existsSync(folderOf(port))).toBe(false);
});

test('npm run demo leaves nothing behind where it is killed', async () => {
  const port = await freePort();
  await using demo = await start(port);
  const pids = below(demo.pid);
  for (const pid of pids) {
    const command = await readFile(`/proc/${pid}/cmdline`, 'utf8');
    if (command.includes('demo/main.mjs')) process.kill(pid, 'SIGKILL');
  }
  await untilGone(demo, pids, port);
  // Its records are wiped at the next start on that port.
  await rm(folderOf(port), { recursive: true });
});
