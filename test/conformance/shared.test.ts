import { describe, expect, test } from '@jest/globals';
import type { Page } from 'playwright-core';
import { eventually, within } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier, type Runtime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';
import { shared as sharedOf } from '../support/shared.ts';
import { TestBrowser, type Window } from '../support/test_browser.ts';

/** Opens the stream in a tab of its own; what comes stands in `globalThis.got`. */
async function openTab(
  window: Window,
  gateway: HostedGateway,
  topic: Topic,
  hasWorker: boolean,
): Promise<Page> {
  const page = await window.open(`${gateway.http}/shared.js`);
  await follow(page, topic, hasWorker);
  return page;
}

async function follow(page: Page, topic: Topic, hasWorker: boolean): Promise<void> {
  await page.evaluate(
    async ([path, keepsWorker]) => {
      if (!keepsWorker) Reflect.deleteProperty(globalThis, 'SharedWorker');
      const script = '/shared.js';
      const { shared } = await import(script);
      const got: string[] = [];
      const stream = shared(path);
      for (const type of ['message', 'delete', 'gap', 'error']) {
        stream.addEventListener(type, (event: MessageEvent) => got.push(event.data ?? type));
      }
      Object.assign(globalThis, { got, stream });
    },
    [`/${topic.name}`, hasWorker] as const,
  );
}

/** Whether the stream of all is in a tab: who leads has the lock, and tabs have another one, too. */
function isLedByTab(page: Page): Promise<boolean> {
  return page.evaluate(async () => {
    const { held = [] } = await navigator.locks.query();
    const isTabs = ({ name = '' }: LockInfo): boolean => name.endsWith(' used');
    const tabs = held.filter(isTabs).map(({ clientId }) => clientId);
    return held.some((lock) => !isTabs(lock) && tabs.includes(lock.clientId));
  });
}

/** Ends a tab's process, which cannot say goodbye. */
async function crash(page: Page): Promise<void> {
  const crashed = page.waitForEvent('crash');
  page.goto('chrome://crash').catch(() => {});
  await within('a tab to crash', crashed);
}

/** Waits until a tab has these, each once; those of two partitions in any order. */
async function untilHas(page: Page, expected: string[]): Promise<void> {
  await untilGot(page, expected, (got) => got.toSorted());
}

async function untilGot(
  page: Page,
  expected: string[],
  inOrder = (got: string[]): string[] => got,
): Promise<void> {
  let seen: string[] = [];
  await eventually(
    () => `${JSON.stringify(expected)} in a tab; it got ${JSON.stringify(seen)}`,
    async () => {
      seen = await page.evaluate(() => Reflect.get(globalThis, 'got'));
      return JSON.stringify(inOrder(seen)) === JSON.stringify(expected);
    },
  );
}

async function untilStreams(gateway: HostedGateway, topic: Topic, count: number): Promise<void> {
  await untilScraped(
    `${count} streams`,
    gateway,
    (scrape) => scrape.value('sse_kafka_connections', { topic: topic.name }) === count,
  );
}

async function start(runtime: Runtime): Promise<{ topic: Topic; gateway: HostedGateway }> {
  const topic = await kafka.createTopic({ partitions: 2 });
  await topic.produce({ value: '1' });
  await topic.produce({ value: '2', partition: 1 });
  return { topic, gateway: await HostedGateway.startReady(runtime, { topics: [topic.name] }) };
}

onRuntimesOfTier((runtime) => {
  describe('shared() of shared.js', () => {
    const browser = sharedOf(() => TestBrowser.launch());

    test.each([
      ['a SharedWorker', true],
      ['an elected tab', false],
    ])('has one stream for all tabs, in %s, a late one too', async (_, hasWorker) => {
      const { topic, gateway } = await start(runtime);
      await using _gateway = gateway;
      await using window = await browser().newWindow();
      const first = await openTab(window, gateway, topic, hasWorker);
      const second = await openTab(window, gateway, topic, hasWorker);
      await untilStreams(gateway, topic, 1);
      expect(await isLedByTab(second)).toBe(!hasWorker);
      await topic.produce({ value: '3' });
      const late = await openTab(window, gateway, topic, hasWorker);
      await untilStreams(gateway, topic, 1);
      const values = ['4', '5', '6', '7'];
      for (const value of values) await topic.produce({ value });
      const all = ['3', ...values];
      for (const tab of [first, second, late]) {
        await untilHas(tab, ['1', '2', ...all]);
      }
      await untilStreams(gateway, topic, 1);
      // The first one leads where there is no worker.
      await first.close();
      await topic.produce({ value: '8' });
      await crash(second);
      await topic.produce({ value: '9' });
      await untilHas(late, ['1', '2', ...all, '8', '9']);
      await untilStreams(gateway, topic, 1);
    });

    test('loses nothing and gets nothing twice while tabs move over under load', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using window = await browser().newWindow();
      const tabs = [await openTab(window, gateway, topic, true)];
      const values: string[] = [];
      for (let n = 0; n < 400; n++) {
        values.push(`${n}`);
        await topic.produce({ value: `${n}` });
        if (n === 100 || n === 200) tabs.push(await openTab(window, gateway, topic, n === 200));
      }
      for (const tab of tabs) await untilGot(tab, values);
      await untilStreams(gateway, topic, 1);
    });

    test('runs its worker once the browser was told to trust the certificate', async () => {
      const { topic, gateway } = await start(runtime);
      await using _gateway = gateway;
      await using window = await browser().newWindow(false);
      const first = await window.openDistrusted(`${gateway.https}/shared.js`);
      const second = await window.open(`${gateway.https}/shared.js`);
      for (const tab of [first, second]) await follow(tab, topic, true);
      await untilStreams(gateway, topic, 1);
      expect(await isLedByTab(first)).toBe(false);
      await topic.produce({ value: '3' });
      for (const tab of [first, second]) {
        await untilHas(tab, ['1', '2', '3']);
      }
    });

    test('carries the tables of all tabs, which see deletes and a topic made anew', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using window = await browser().newWindow();
      const open = async (): Promise<Page> => {
        const page = await window.open(`${gateway.http}/shared.js`);
        await page.evaluate(async (path) => {
          const scripts = ['/shared.js', '/client.js'];
          const [{ shared }, { table }] = await Promise.all(scripts.map((name) => import(name)));
          const rows = table(path, { connect: shared });
          Object.assign(globalThis, { rows });
          await rows.whole;
        }, `/${topic.name}`);
        return page;
      };
      const tabs = [await open(), await open()];
      const untilRows = async (expected: string[][]): Promise<void> => {
        for (const tab of tabs) {
          await eventually(`the rows ${JSON.stringify(expected)}`, async () => {
            const rows = await tab.evaluate(() => [...Reflect.get(globalThis, 'rows')]);
            return JSON.stringify(rows) === JSON.stringify(expected);
          });
        }
      };
      await untilRows([
        ['a', '1'],
        ['b', '2'],
      ]);
      await untilStreams(gateway, topic, 1);
      await topic.produce({ key: 'a' }, { key: 'b', value: '3' });
      await untilRows([['b', '3']]);
      await kafka.deleteTopic(topic.name);
      const anew = await kafka.createTopic({ name: topic.name, compacted: true });
      await anew.produce({ key: 'c', value: '4' });
      await untilRows([['c', '4']]);
      await untilStreams(gateway, topic, 1);
    });
  });
});
