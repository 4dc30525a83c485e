import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type NewRecord, type Topic } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { TcpBalancer } from '../support/tcp_balancer.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';

const HOUR = 3_600_000;

/** What the page knows of its first row. */
function facts(tab: Tab, row = 0): Promise<Record<string, string | null>> {
  return tab.page
    .locator('#messages > *')
    .nth(row)
    .evaluate((element) => {
      const cell = (name: string): string | null =>
        element.querySelector(`.${name}`)?.getAttribute('data-text') ?? null;
      return { key: cell('key'), partition: cell('partition'), offset: cell('offset') };
    });
}

/** Rows of the table: key and value. */
function table(tab: Tab): Promise<string[]> {
  return tab.page
    .locator('#rows > *')
    .evaluateAll((rows) =>
      rows.map(
        (row) => `${row.querySelector('.key')?.getAttribute('data-text')}=${row.textContent}`,
      ),
    );
}

async function showsTable(tab: Tab, ...expected: string[]): Promise<void> {
  let seen: string[] = [];
  await eventually(
    () => `the table ${expected}, which is ${seen}`,
    async () => {
      seen = await table(tab);
      return JSON.stringify(seen) === JSON.stringify(expected);
    },
  );
}

onRuntimesOfTier((runtime) => {
  describe('the page', () => {
    const browser = shared(() => TestBrowser.launch());
    const topics: Topic[] = [];
    /** One for all cases: topics are what they differ by. */
    const gateway = shared(async () => {
      topics.length = 0;
      for (let i = 0; i < 3; i++) topics.push(await kafka.createTopic({ compacted: i !== 1 }));
      topics.push(await kafka.createTopic({ configs: { 'retention.ms': '-1' }, partitions: 2 }));
      return HostedGateway.startReady(runtime, { topics: topics.map(({ name }) => name) });
    });
    const open = async (topic: Topic, rest = ''): Promise<Tab> =>
      browser().open(`${gateway().https}/#location=/${topic.name}${rest}`);

    test('says how the stream stands and how far it is', async () => {
      const topic = topics[0]!;
      await topic.produce({ key: 'a', value: 'one' }, { key: 'b', value: 'two' });
      await using tab = await browser().open(gateway().https);
      await tab.says('#state', 'Not connected');
      await tab.says('#topic', /·/);
      await tab.go();
      await tab.shows('two', 'one');
      await tab.says('#state', 'Live');
      await tab.says('#count', '2');
      await tab.says('#last-id', new RegExp(`^${topic.cursor(2)}/~[0-9a-z]{6}$`));
      expect(await facts(tab)).toEqual({ key: 'b', partition: '0', offset: '1' });

      await topic.produce({ key: 'a', value: null });
      await tab.shows('Deleted: key a', 'two', 'one');
      await tab.says('#count', '3');

      await tab.page.getByText('Table').click();
      await showsTable(tab, 'b=two');
      await topic.produce({ key: '10', value: 'ten' }, { key: 'b', value: 'changed' });
      await showsTable(tab, '10=ten', 'b=changed');
      await topic.produce({ key: '10', value: null });
      await showsTable(tab, 'b=changed');

      await tab.page.getByRole('button', { name: 'Stop' }).click();
      await tab.says('#state', 'Ended');
      await topic.produce({ key: 'c', value: 'not read' });
      await tab.go();
      await showsTable(tab, 'b=changed', 'c=not read');
    });

    test('pauses without losing the count, clears, filters', async () => {
      const topic = topics[1]!;
      await using tab = await open(topic);
      await tab.says('#state', 'Live');
      await topic.produce({ key: 'x', value: 'apple' }, { key: 'pineapple', value: 'pear' });
      await tab.shows('pear', 'apple');
      await tab.page.getByRole('button', { name: 'Pause' }).click();
      await topic.produce({ value: 'plum' }, { value: 'apple pie' });
      await tab.says('#pause', 'Resume (2 new)');
      await tab.says('#count', '4');
      expect(await tab.messages()).toEqual(['pear', 'apple']);
      await tab.page.getByRole('button', { name: 'Resume' }).click();
      await tab.shows('apple pie', 'plum', 'pear', 'apple');

      await tab.page.locator('#filter').fill('APPLE');
      await tab.shows('apple pie', 'pear', 'apple');
      await tab.says('#filter-count', '3 of 4');
      await topic.produce({ value: 'cherry' }, { value: 'last apple' });
      await tab.shows('last apple', 'apple pie', 'pear', 'apple');
      expect(new URL(tab.page.url()).hash).toBe(`#location=/${topic.name}&filter=APPLE`);
      await tab.page.locator('#filter').fill('');

      await tab.page.getByRole('button', { name: 'Clear' }).click();
      await tab.shows();
      await tab.says('#count', '0');
      await topic.produce({ value: 'after' });
      await tab.shows('after');
    });

    test('starts where it is told to, and a link shows the same', async () => {
      const topic = topics[3]!;
      const past = Date.now() - 3 * HOUR;
      const at = (hours: number, value: string): NewRecord => ({
        value,
        timestamp: past + hours * HOUR,
      });
      await topic.produce(at(0, 'old'), at(1, 'older than an hour'), at(2.5, 'new'));
      await using tab = await browser().open(gateway().https);
      await tab.says('#topic', new RegExp(topic.name));
      await tab.page.locator('#topic').selectOption(`${gateway().https}/${topic.name}`);
      expect(await tab.location()).toBe(`${gateway().https}/${topic.name}`);
      await tab.go();
      await tab.shows('new', 'older than an hour', 'old');

      await tab.page.locator('#start').selectOption('time');
      await tab.page.locator('#since').fill(localTime(past + 2 * HOUR));
      await tab.go();
      await tab.shows('new');
      expect(tab.page.url()).toContain('&since=20');
      await using linked = await browser().open(tab.page.url());
      await linked.shows('new');
      await linked.says('#state', 'Live');

      await tab.page.locator('#start').selectOption('id');
      await tab.page.locator('#id').fill(topic.cursor(1, 0));
      await tab.go();
      await tab.shows('new', 'older than an hour');
      await tab.page.locator('#messages > *').last().click();
      await tab.page.getByRole('button', { name: 'Start after this one' }).click();
      await tab.shows('new');

      await tab.page.locator('#start').selectOption('latest');
      await tab.page.locator('#format').selectOption('text');
      await tab.go();
      await tab.says('#state', 'Connected');
      await topic.produce({ value: 'from now on' });
      await tab.shows('from now on');
      expect(await facts(tab)).toEqual({ key: '', partition: '', offset: '' });
    });

    test('reads several topics, chosen by the keyboard alone', async () => {
      const [a, , , b] = topics as [Topic, Topic, Topic, Topic];
      await a.produce({ key: 'same', value: a.name });
      await b.produce({ key: 'same', value: b.name });
      const inOrder = [a.name, b.name].sort();
      await using tab = await browser().open(gateway().https);
      await tab.says('#topic', /several topics/);
      const { keyboard } = tab.page;
      await tab.page.locator('#topic').focus();
      await keyboard.type('several');
      const boxes = tab.page.locator('#several input');
      for (const name of [a.name, b.name]) {
        const box = tab.page.locator(`#several input[value="${name}"]`);
        for (let i = 0; i < 9 && !(await box.evaluate(isFocused)); i++) await keyboard.press('Tab');
        if (!(await box.isChecked())) await keyboard.press('Space');
      }
      expect(
        await boxes.evaluateAll((all) => all.map((box) => (box as HTMLInputElement).checked)),
      ).toEqual(topics.map((topic) => topic === a || topic === b));
      expect(await tab.location()).toBe(`${gateway().https}/${a.name},${b.name}`);
      await keyboard.press('Enter');
      await tab.says('#state', 'Live');
      await tab.says('#stream-name', `${a.name}, ${b.name}`);
      expect(await tab.page.title()).toBe(`${a.name}, ${b.name} · Live · sse-kafka-fanout`);
      await tab.page.getByText('Table').click();
      await tab.page.locator('#filter').fill('same');
      await showsTable(tab, ...inOrder.map((name) => `same=${name}`));
      const names = tab.page.locator('#rows .topic');
      const told = names.evaluateAll((all) => all.map((one) => one.getAttribute('data-text')));
      expect(await told).toEqual(inOrder);
      // Another one is chosen: what shows is still of these.
      await tab.page.locator('#topic').selectOption(`${gateway().https}/${b.name}`);
      await tab.says('#pending', `Go reads ${b.name} in its place`);
      await tab.says('#stream-name', `${a.name}, ${b.name}`);
    });

    test('says what is wrong with an expression, where it is, and filters at the gateway', async () => {
      const topic = topics[0]!;
      await topic.produce({ key: 'dear', value: '{"total":5}' });
      await using tab = await open(topic);
      await tab.says('#state', 'Live');
      const where = tab.page.locator('#where');
      await where.fill('value.total > > 1');
      await where.press('Enter');
      await tab.says('#state', 'Failed');
      await tab.says('#fault', /^where, at character 15: .*value\.total > > 1$/);
      await tab.says('#fault mark', '>');
      expect(await where.getAttribute('aria-invalid')).toBe('true');
      await where.fill('value.total > 1');
      await where.press('Enter');
      await tab.shows('{"total":5}');
      expect(await tab.page.locator('#fault').isVisible()).toBe(false);
    });

    test('follows the key of the table that is opened', async () => {
      const topic = topics[0]!;
      await topic.produce({ key: 'followed', value: '{"n":{"m":1}}' });
      await using tab = await open(topic, '&view=table&filter=followed');
      await tab.page.locator('#rows > *').first().click();
      await tab.page.locator('#inspector').getByText('Expand all').click();
      await topic.produce({ key: 'followed', value: '{"n":{"m":2}}' });
      await tab.says('.tree', '{1}n: {1}m: 2');
      await tab.says('.fate', 'Changed once since it was opened');
      await topic.produce({ key: 'followed', value: null });
      await tab.says('.fate', /^Deleted at /);
    });

    test('shows a record in full, its JSON folded', async () => {
      const topic = topics[2]!;
      const value = '{"id":12345678901234567890,"customer":{"name":"Ada"},"list":[true,null]}';
      await topic.produce({ key: 'k', value, headers: [['trace', 'abc']] });
      await using tab = await open(topic);
      await tab.shows(value);
      await tab.page.locator('#messages > *').first().click();
      const inspector = tab.page.locator('#inspector');
      await tab.says('#inspector h2', 'Message');
      expect(await inspector.textContent()).toContain('traceabc');
      // All digits, although JavaScript's own number has fewer.
      await tab.says('.tree', '{3}id: 12345678901234567890customer: {1}list: [2]');
      await inspector.getByText('customer', { exact: true }).click();
      await tab.says('.tree', /customer: \{1\}name: "Ada"list/);
      await tab.page.keyboard.press('Escape');
      expect(await inspector.isVisible()).toBe(false);
    });
  });

  describe('the page', () => {
    const browser = shared(() => TestBrowser.launch());

    test('shows a gap, and makes the table anew', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: 'gone', value: 'v' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.https}/#location=/${topic.name}`);
      await tab.says('#state', 'Live');
      await tab.says('#keys', '1');
      await kafka.deleteTopic(topic.name);
      const anew = await kafka.createTopic({ name: topic.name, compacted: true });
      await anew.produce({ key: 'new', value: 'w' });
      await tab.shows(
        'w',
        `Gap in ${topic.name}: the topic was deleted and created anew; it starts over` +
          ' · partition 0 goes on at 0 instead of 1',
        'v',
      );
      await tab.says('#gaps', '1');
      await tab.says('#count', '2');
      await tab.says('#state', 'Live');
      await tab.page.getByText('Table').click();
      await showsTable(tab, 'new=w');
    });

    test('reads anew after an absence longer than deletes are kept', async () => {
      const topic = await kafka.createTopic({
        compacted: true,
        configs: { 'delete.retention.ms': '1000' },
      });
      await topic.produce({ key: 'a', value: 'one' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(gateway.https);
      await eventually('what the gateway knows of the topic', async () => {
        const { topics } = await (await fetch(`${gateway.http}/-/topics`)).json();
        return topics[0].deleteRetentionMs === 1000;
      });
      await tab.page.addInitScript(() => {
        const opened: string[] = [];
        class Counted extends EventSource {
          constructor(url: string) {
            super(url);
            opened.push(url);
          }
        }
        Object.assign(window, { EventSource: Counted, opened });
      });
      await tab.page.reload();
      await tab.says('#topic', /compacted/);
      await tab.go();
      await tab.says('#state', 'Live');
      await gateway.stop();
      await tab.says('#state', /^Retrying/);
      // To be away for long enough is the point.
      await new Promise((resolve) => setTimeout(resolve, 1000));
      await gateway.start();
      await tab.says('#state', 'Live');
      await tab.shows('one');
      // The browser came back by itself, with its last id; the page put another stream in its place.
      const url = `${gateway.https}/${topic.name}?format=json`;
      expect(await tab.page.evaluate('opened')).toEqual([url, url]);
    });

    test('has it all after a rolling restart of two replicas', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      const options = { topics: [topic.name], env: { DRAIN_SECONDS: '1' } };
      await using first = await HostedGateway.startReady(runtime, options);
      await using second = await HostedGateway.startReady(runtime, options);
      const ports = [first, second].map(({ http }) => Number(new URL(http).port));
      await using balancer = await TcpBalancer.start(ports);
      const origin = `http://localhost:${balancer.port}`;
      await using tab = await browser().open(`${origin}/#location=/${topic.name}`);
      await tab.says('#state', 'Live');
      let count = 0;
      for (const replica of [first, second]) {
        const stopped = replica.stop();
        for (let i = 0; i < 20; i++) {
          await topic.produce({ value: `${count}`, partition: count % 2 });
          count++;
        }
        await stopped;
        await replica.start();
        await replica.untilReady();
      }
      await tab.says('#count', `${count}`);
      await tab.says('#state', 'Live');
      const values = (await tab.messages()).map(Number).sort((a, b) => a - b);
      expect(values).toEqual(Array.from({ length: count }, (_, n) => n));
    });
  });
});

function isFocused(element: Element): boolean {
  return element === document.activeElement;
}

/** As a field for a time takes it. */
function localTime(time: number): string {
  const ahead = new Date(time).getTimezoneOffset() * 60_000;
  return new Date(time - ahead).toISOString().slice(0, 19);
}
