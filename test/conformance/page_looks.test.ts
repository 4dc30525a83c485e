import { mkdir, readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import type { AxeResults, RunOptions } from 'axe-core';
import { CLONE } from '../../runtime/embedded_kafka/clone.ts';
import { eventually } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { Issuer } from '../support/issuer.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { OtherServer, status } from '../support/other_server.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';
import { IS_ALL } from '../support/tier.ts';

/** To be looked at by people, of `npm run test:all`; git ignores them. */
const SCREENSHOTS = join(CLONE, 'test', 'screenshots');
const AXE = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
const LOOKS = [
  { width: 1280, height: 800, colorScheme: 'light' },
  { width: 1280, height: 800, colorScheme: 'dark' },
  { width: 390, height: 844, colorScheme: 'light' },
  { width: 390, height: 844, colorScheme: 'dark' },
  { width: 320, height: 640, colorScheme: 'light' },
] as const;
/** The widest alone, at whose states the other colors and the narrowest are looked at as it goes. */
const FEW_LOOKS = [LOOKS[0]];
const NARROWEST = LOOKS[4];

const ORDER = (id: number): string =>
  JSON.stringify({
    id,
    customer: { name: 'Ada Lovelace', city: 'London' },
    items: [{ sku: 'A-1', count: 2 }],
    total: id * 37.5,
  });

/** What axe-core finds by the rules of WCAG 2.2, up to AA, and by its best practices. */
async function findings(tab: Tab, options: RunOptions = {}): Promise<string[]> {
  // Not as a script of the page, which would not be let in.
  if (await tab.page.evaluate('typeof axe === "undefined"')) {
    await tab.page.evaluate(await readFile(AXE, 'utf8'));
  }
  const all = JSON.stringify({ resultTypes: ['violations'], ...options });
  const results = (await tab.page.evaluate(`axe.run(${all})`)) as AxeResults;
  return results.violations.map(
    ({ id, help, nodes }) => `${id}: ${help} ${nodes.map(({ html }) => html.slice(0, 120))}`,
  );
}

onAnyRuntime((runtime) => {
  describe('the page', () => {
    const browser = shared(() => TestBrowser.launch());
    let orders!: Topic;
    let empty!: Topic;
    const gateway = shared(async () => {
      orders = await kafka.createTopic({ name: 'orders', compacted: true });
      empty = await kafka.createTopic({ name: 'empty' });
      for (let id = 0; id < 30; id++)
        await orders.produce({ key: `order-${id}`, value: ORDER(id) });
      await orders.produce(
        { key: 'order-29', value: null },
        { key: 'note', value: 'Hello, world' },
      );
      return HostedGateway.startReady(runtime, { topics: [orders.name, empty.name] });
    });

    const issuer = shared(() => Issuer.start());
    const signed = shared(() => {
      const env = { ...issuer().env, REQUIRE: '"read" in scopes' };
      return HostedGateway.startReady(runtime, { topics: [orders.name], env });
    });

    test.each(IS_ALL ? LOOKS : FEW_LOOKS)(
      'is right to see and to use: $width $colorScheme',
      async (look) => {
        if (IS_ALL) await mkdir(SCREENSHOTS, { recursive: true });
        const { width, height, colorScheme } = look;
        await using proxy = await OtherServer.start(status(502));
        await using silent = await OtherServer.start(() => {});
        await using tab = await browser().open(gateway().https, {
          viewport: { width, height },
          colorScheme,
          reducedMotion: 'reduce',
        });
        const faults: string[] = [];
        const fits = async (state: string, most: number): Promise<void> => {
          const scrolled = await tab.page.evaluate(() => document.documentElement.scrollWidth);
          if (scrolled > most) faults.push(`${state}: ${scrolled} wide of ${most}`);
        };
        /** Looks at a state: it is kept as a picture, checked by axe, and not wider than the screen. */
        const see = async (state: string): Promise<void> => {
          const path = join(SCREENSHOTS, `${state}-${width}-${colorScheme}.png`);
          if (IS_ALL) await tab.page.screenshot({ path });
          await fits(state, width);
          // A phone's widths differ in nothing else that axe looks at.
          if (width === 390) return;
          for (const finding of await findings(tab)) faults.push(`${state}: ${finding}`);
          if (IS_ALL) return;
          await tab.page.emulateMedia({ colorScheme: 'dark' });
          for (const finding of await findings(tab, { runOnly: ['color-contrast'] })) {
            faults.push(`${state}, dark: ${finding}`);
          }
          await tab.page.emulateMedia({ colorScheme });
          await tab.page.setViewportSize(NARROWEST);
          await fits(state, NARROWEST.width);
          await tab.page.setViewportSize({ width, height });
        };
        /** Where there is little room the form leaves a line while a stream runs. */
        const unfold = async (): Promise<void> => {
          const change = tab.page.locator('#change');
          if (await change.isVisible()) await change.click();
        };
        const read = async (url: string): Promise<void> => {
          await unfold();
          await tab.page.locator('#location').fill(url);
          await tab.go();
        };

        await tab.says('#topic', /·/);
        await see('idle');
        await read(`${gateway().https}/${orders.name}`);
        await tab.says('#state', 'Live');
        await see('live');
        await tab.page.locator('#messages > *').nth(2).click();
        await tab.says('#inspector h2', 'Message');
        await see('record');
        await tab.page.getByRole('button', { name: 'Close' }).click();
        await tab.page.getByText('Copy as').click();
        await see('commands');
        await tab.page.keyboard.press('Escape');
        await tab.page.getByRole('button', { name: 'Pause' }).click();
        await orders.produce({ key: 'note', value: 'not shown yet' });
        await tab.says('#pause', 'Resume (1 new)');
        await see('paused');
        await tab.page.getByText('Table').click();
        await see('table');
        await tab.page.locator('#filter').fill('nothing has this');
        await see('nothing-matches');
        await tab.page.locator('#filter').fill('');
        await tab.page.locator('#fields summary').click();
        await tab.page.getByLabel('total', { exact: true }).check();
        await see('columns');
        await tab.page.keyboard.press('Escape');
        await read(`${gateway().https}/${orders.name},${empty.name}`);
        await tab.says('#state', 'Live');
        await see('several');
        await unfold();
        await tab.page.locator('#where').fill('value.total > > 1');
        await tab.go();
        await tab.says('#state', 'Failed');
        await see('fault');
        await tab.page.locator('#where').fill('');
        await tab.page.locator('#topic').selectOption(`${gateway().https}/${orders.name}`);
        await tab.page.getByText('Messages', { exact: true }).click();
        await tab.page.locator('#start').selectOption('id');
        await tab.page.locator('#id').fill('bm8gY3Vyc29y');
        await tab.go();
        await tab.says('#gaps', '1');
        await tab.page.locator('#grid').press('End');
        await tab.page.locator('.row.gap').waitFor();
        await see('gap');
        await unfold();
        await tab.page.locator('#format').selectOption('text');
        await tab.page.locator('#start').selectOption('beginning');
        await tab.go();
        await tab.says('#state', 'Connected');
        await tab.says('#count', '31');
        await see('values-alone');
        await read(`${gateway().https}/${empty.name}`);
        await tab.says('#state', 'Connected');
        await see('empty');
        await unfold();
        await tab.page.locator('#start').selectOption('time');
        await tab.page.locator('#since').fill('2026-01-31T12:00:00');
        await read(silent.url);
        await tab.says('#state', 'Connecting');
        await see('connecting');
        await read(proxy.url);
        await tab.says('#reason', 'the server said 502 Bad Gateway');
        await see('retrying');
        await read(`${gateway().https}/unknown`);
        await tab.says('#state', 'Failed');
        await see('failed');
        await tab.page.getByText('Table').click();
        await read(`${gateway().https}/${orders.name}`);
        await tab.says('#state', 'Connected');
        await tab.says('#empty-title', 'No keys');
        await tab.page.getByRole('button', { name: 'Stop' }).click();
        await see('ended');
        await tab.page.goto(signed().https);
        await tab.says('#sign-in-words', 'Sign in first');
        await see('sign-in');
        await read(`${signed().https}/${orders.name}`);
        await tab.says('#state', 'Not let in');
        await see('refused');
        await tab.page.locator('#token').fill(await issuer().token({ scope: 'read' }));
        await tab.page.getByRole('button', { name: 'Sign in' }).click();
        await tab.says('#sign-in-words', 'Signed in');
        await see('signed-in');
        expect(faults).toEqual([]);
      },
    );

    test('is used by the keyboard alone', async () => {
      await using tab = await browser().open(gateway().https);
      const { keyboard } = tab.page;
      const focused = (): Promise<string> =>
        tab.page.evaluate(() => document.activeElement?.id ?? '');
      await tab.says('#topic', /·/);
      await tab.page.locator('#location').focus();
      await keyboard.press('Enter');
      await tab.says('#state', 'Live');
      for (let i = 0; i < 30 && (await focused()) !== 'grid'; i++) await keyboard.press('Tab');
      expect(await focused()).toBe('grid');
      const active = (): Promise<string | null> =>
        tab.page.evaluate(() => {
          const id = document.getElementById('grid')?.getAttribute('aria-activedescendant') ?? '';
          return document.getElementById(id)?.textContent ?? null;
        });
      const isActive = (text: string): Promise<unknown> =>
        eventually(`the row ${text}`, async () => (await active()) === text);
      const messages = await tab.messages();
      await keyboard.press('ArrowDown');
      await isActive(messages[0]!);
      await keyboard.press('ArrowDown');
      await isActive(messages[1]!);
      // What comes does not move what one stands on.
      await orders.produce({ key: 'note', value: 'Hello again' });
      await eventually('the newest', async () => (await tab.messages())[0] === 'Hello again');
      await isActive(messages[1]!);
      const scrolled = await tab.page.locator('#grid').evaluate(({ scrollTop }) => scrollTop);
      expect(scrolled).toBeGreaterThan(0);
      await keyboard.press('End');
      await isActive(messages.at(-1)!);
      await keyboard.press('Home');
      await isActive('Hello again');
      await keyboard.press('Enter');
      expect(await focused()).toBe('inspector');
      await tab.says('#inspector dl', /^Keynote/);
      await keyboard.press('Escape');
      expect(await focused()).toBe('grid');
      await keyboard.press('Escape');
      await eventually('no row', async () => (await active()) === null);
    });

    test('tells a screen reader the state, and no message', async () => {
      await using tab = await browser().open(gateway().https);
      await tab.page.evaluate(() => {
        const region = document.getElementById('announcer')!;
        const told: string[] = [];
        Object.assign(window, { told });
        new MutationObserver(() => told.push(region.textContent)).observe(region, {
          childList: true,
        });
      });
      await tab.go();
      await tab.says('#state', 'Live');
      for (let i = 0; i < 50; i++) await orders.produce({ key: 'note', value: `${i}` });
      await eventually('the last', async () => (await tab.messages())[0] === '49');
      const told = (await tab.page.evaluate('told')) as string[];
      expect(told.slice(0, 3)).toEqual(['Connecting', 'Replaying', 'Live']);
      // A count, if it took long enough.
      for (const words of told.slice(3)) expect(words).toMatch(/^Live, \d+ records$/);
      expect(told.length).toBeLessThan(8);
    });

    test('asks no other server for anything', async () => {
      await using tab = await browser().open('about:blank');
      const origins = new Set<string>();
      tab.page.on('request', (request) => origins.add(new URL(request.url()).origin));
      await tab.page.goto(gateway().https);
      await tab.go();
      await tab.says('#state', 'Live');
      expect([...origins]).toEqual([gateway().https]);
      expect(tab.console.join()).not.toMatch(/policy/i);
    });
  });
});
