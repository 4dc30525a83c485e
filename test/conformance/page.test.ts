import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { type Browser, chromium, type Page } from 'playwright-core';
import { eventually, within } from '../support/deadline.ts';
import { Gateway } from '../support/gateway.ts';
import { kafka, kcat } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';

const CHROMIUM = {
  executablePath: process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium',
  // As root there is no sandbox, in a container no GPU.
  args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
};

/** A tab with the page, as its user sees it. */
class Tab implements AsyncDisposable {
  /** Lines of the browser's console. */
  readonly console: string[] = [];
  readonly page: Page;

  static async open(browser: Browser, url: string): Promise<Tab> {
    const context = await browser.newContext({ ignoreHTTPSErrors: true });
    const tab = new Tab(await context.newPage());
    await within(`the page of ${url}`, tab.page.goto(url));
    return tab;
  }

  private constructor(page: Page) {
    this.page = page;
    page.on('console', (message) => this.console.push(message.text()));
    page.on('pageerror', (error) => this.console.push(`uncaught ${error.message}`));
  }

  async go(): Promise<void> {
    await within('the button Go', this.page.getByRole('button', { name: 'Go' }).click());
  }

  location(): Promise<string> {
    return this.page.locator('#location').inputValue();
  }

  messages(): Promise<string[]> {
    return this.page.locator('#messages > *').allTextContents();
  }

  /** Waits until these are the messages, newest first. */
  async shows(...expected: string[]): Promise<void> {
    let seen: string[] = [];
    await eventually(
      () => `${JSON.stringify(expected)} on the page, which shows ${JSON.stringify(seen)}`,
      async () => {
        seen = await this.messages();
        return JSON.stringify(seen) === JSON.stringify(expected);
      },
    );
  }

  /** Waits for a line on the console that has this word. */
  async logs(word: string): Promise<void> {
    await eventually(
      () => `"${word}" on the console, which has ${JSON.stringify(this.console)}`,
      async () => this.console.some((line) => line.split(/\W/).includes(word)),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.page.context().close();
  }
}

onEachRuntime((runtime) => {
  describe('the page', () => {
    const browser = shared(async () => {
      const launched = await within('Chromium', chromium.launch(CHROMIUM), 60_000);
      return {
        open: (url: string) => Tab.open(launched, url),
        [Symbol.asyncDispose]: () => within('the end of Chromium', launched.close()),
      };
    });

    test('replays after Go, then shows live, newest on top', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      await kcat(['-P', '-t', topic.name, '-K:'], '1:old\n2:two\n1:one');
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
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

    test('shows no line twice after a second Go', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'one' }, { value: 'two' });
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
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
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.https}/index.html`);
      await tab.go();
      await tab.shows('before');
      expect(await gateway.stop()).toBe(0);
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
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
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
      await using gateway = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(`${gateway.http}/`);
      await tab.page.locator('#location').fill(`${gateway.https}/${topic.name}`);
      await tab.go();
      await tab.shows('from elsewhere');
    });

    test('says error for a location that has no stream', async () => {
      const topic = await kafka.createTopic();
      await using gateway = await Gateway.start(runtime, { topics: [topic.name] });
      await using tab = await browser().open(gateway.https);
      await tab.page.locator('#location').fill(`${gateway.https}/unknown`);
      await tab.go();
      await tab.logs('error');
      expect(await tab.messages()).toEqual([]);
    });
  });
});
