import { describe, expect, test } from '@jest/globals';
import type { Route } from 'playwright-core';
import { eventually, within } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, kcat } from '../support/kafka.ts';
import { onRuntimesOfTier } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { TestBrowser } from '../support/test_browser.ts';

onRuntimesOfTier((runtime) => {
  describe('the page', () => {
    const browser = shared(() => TestBrowser.launch());

    test('replays after Go, then shows live, newest on top', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await kcat(['-P', '-t', topic.name, '-K:'], '1:old\n2:two\n1:one');
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.https}/index.html`);
      await eventually('the location', async () => (await tab.location()).endsWith(topic.name));
      expect(await tab.location()).toBe(`${gateway.https}/${topic.name}`);
      expect(await tab.messages()).toEqual([]);
      await tab.go();
      await tab.shows('one', 'two');
      await tab.logs('open');
      await kcat(['-P', '-t', topic.name, '-K:'], '3:live');
      await tab.shows('live', 'one', 'two');
      expect(tab.console.join('\n')).not.toMatch(/error|uncaught/i);
    });

    test('reads the first topic, also after a Go that was quicker than the list of topics', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'one' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open('about:blank');
      const asked = new Promise<Route>((resolve) => {
        void tab.page.route('**/-/topics', resolve);
      });
      await tab.page.goto(gateway.https);
      const topics = await within('the question for topics', asked);
      expect(await tab.location()).toBe(`${gateway.https}/events`);
      await tab.go();
      await topics.continue();
      await tab.shows('one');
      expect(await tab.location()).toBe(`${gateway.https}/${topic.name}`);
      await tab.says('#topic', new RegExp(topic.name));
    });

    test('shows no line twice after a second Go', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'one' }, { value: 'two' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(gateway.https);
      for (const _ of [1, 2, 3]) {
        await tab.go();
        await tab.shows('two', 'one');
      }
      await topic.produce({ value: 'three' });
      await tab.shows('three', 'two', 'one');
      // Of a stream that was left open it would come here, too, and before the next one.
      await topic.produce({ value: 'four' });
      await tab.shows('four', 'three', 'two', 'one');
    });

    test('gets by itself what was published while the gateway was away', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await topic.produce({ key: '1', value: 'before' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.https}/index.html`);
      await tab.go();
      await tab.shows('before');
      await gateway.stop();
      await tab.logs('error');
      await topic.produce({ key: '2', value: 'meanwhile' });
      tab.console.length = 0;
      await gateway.start();
      await tab.shows('meanwhile', 'before');
      await tab.logs('open');
      await topic.produce({ key: '3', value: 'live' });
      await tab.shows('live', 'meanwhile', 'before');
    });

    test('shows a message as text, whatever it holds', async () => {
      const topic = await kafka.createTopic();
      const values = [
        '<b>bold</b><script>alert(1)</script>',
        '<img src=x onerror=alert(1)>',
        '&lt;',
      ];
      await topic.produce(...values.map((value) => ({ value })));
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(gateway.https);
      const dialogs: string[] = [];
      tab.page.on('dialog', (dialog) => {
        dialogs.push(dialog.message());
        void dialog.dismiss();
      });
      await tab.go();
      await tab.shows(...values.toReversed());
      expect(await tab.page.locator('#messages b, #messages img, #messages script').count()).toBe(
        0,
      );
      expect(dialogs).toEqual([]);
    });

    test('takes a stream of another origin', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'from elsewhere' });
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.http}/`);
      await tab.page.locator('#location').fill(`${gateway.https}/${topic.name}`);
      await tab.go();
      await tab.shows('from elsewhere');
    });

    test('says error for a location that has no stream', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await HostedGateway.start(runtime, { topics: [topic.name] });
      await using tab = await browser().open(gateway.https);
      await tab.page.locator('#location').fill(`${gateway.https}/unknown`);
      await tab.go();
      await tab.logs('error');
      expect(await tab.messages()).toEqual([]);
    });
  });
});
