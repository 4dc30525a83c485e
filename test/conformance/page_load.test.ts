import process from 'node:process';
import { describe, expect, test } from '@jest/globals';
import { eventually } from '../support/deadline.ts';
import { HostedGateway } from '../support/hosted_gateway.ts';
import { kafka, type Topic } from '../support/kafka.ts';
import { onAnyRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';
import { type Tab, TestBrowser } from '../support/test_browser.ts';
import { IS_ALL } from '../support/tier.ts';

/** Longer by hand: PAGE_LOAD_SECONDS=20. */
const SECONDS = Number(process.env['PAGE_LOAD_SECONDS'] ?? (IS_ALL ? 4 : 1));
const PER_SECOND = 1000;
/** What a screen shows, and a little more. */
const MOST_ROWS = 150;

const lineOf = (n: number): string =>
  JSON.stringify({
    n,
    path: `/api/orders/${n % 97}`,
    text: 'a line of a log, as long as such are',
  });

/** Writes at the rate, and waits until all is written. @returns how many */
async function produceFor(topic: Topic, seconds: number): Promise<number> {
  const start = performance.now();
  let count = 0;
  while (count < seconds * PER_SECOND) {
    const due = Math.floor(((performance.now() - start) / 1000) * PER_SECOND);
    const length = Math.min(due, seconds * PER_SECOND) - count;
    const first = count;
    count += length;
    await topic.produce(
      ...Array.from({ length }, (_, i) => ({
        key: `user-${(first + i) % 500}`,
        value: lineOf(first + i),
      })),
    );
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return count;
}

const rows = (tab: Tab): Promise<number> => tab.page.locator('#messages > *, #rows > *').count();

/** Milliseconds between frames, sorted. */
async function measureFrames(tab: Tab): Promise<() => Promise<number[]>> {
  await tab.page.evaluate(() => {
    const frames: number[] = [];
    Object.assign(window, { frames });
    let last = performance.now();
    const next = (now: number): void => {
      frames.push(now - last);
      last = now;
      requestAnimationFrame(next);
    };
    requestAnimationFrame(next);
  });
  return async () => ((await tab.page.evaluate('frames')) as number[]).sort((a, b) => a - b);
}

onAnyRuntime((runtime) => {
  describe('the page under load', () => {
    const browser = shared(() => TestBrowser.launch());

    test.each(['messages', 'table'])(
      'has the rows in sight alone, and counts 1,000 records a second: %s',
      async (view) => {
        const topic = await kafka.createTopic({ compacted: true });
        await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
        await using tab = await browser().open(
          `${gateway.https}/#location=/${topic.name}&view=${view}`,
        );
        await tab.says('#state', 'Live');
        const frames = await measureFrames(tab);
        const seen: number[] = [];
        const looking = setInterval(() => void rows(tab).then((count) => seen.push(count)), 500);
        const count = await produceFor(topic, SECONDS).finally(() => clearInterval(looking));
        await tab.says('#count', count.toLocaleString('en'));
        await tab.says('#keys', '500');
        expect(Math.max(...seen, await rows(tab))).toBeLessThan(MOST_ROWS);
        if (view === 'messages') expect((await tab.messages())[0]).toBe(lineOf(count - 1));
        const times = await frames();
        const at = (part: number): string => times[Math.floor(times.length * part)]!.toFixed(1);
        process.stderr.write(
          `the page, ${view}, ${PER_SECOND} records/s for ${SECONDS} s: ${times.length} frames, ` +
            `p50 ${at(0.5)} ms, p95 ${at(0.95)} ms, p99 ${at(0.99)} ms, most ${at(0.9999)} ms\n`,
        );
      },
    );

    test('keeps the newest 10,000 of a long replay, each within reach', async () => {
      const topic = await kafka.createTopic();
      const total = 25_000;
      const records = Array.from({ length: total }, (_, n) => ({ value: `${n}` }));
      for (let i = 0; i < total; i += 5000) await topic.produce(...records.slice(i, i + 5000));
      await using gateway = await HostedGateway.startReady(runtime, { topics: [topic.name] });
      await using tab = await browser().open(
        `${gateway.https}/#location=/${topic.name}&since=beginning`,
      );
      await tab.says('#count', '25,000');
      await tab.says('#count-kept', ', 10,000 kept');
      await tab.says('#state', 'Live');
      expect((await tab.messages())[0]).toBe(`${total - 1}`);
      await tab.page.locator('#grid').press('End');
      await eventually('the oldest', async () => {
        return (await tab.messages()).at(-1) === `${total - 10_000}`;
      });
      await tab.says('#end', /^\s*The newest 10,000 records are kept here; 15,000 older ones/);
      // Not the whole log, where nobody asks for it.
      await using short = await browser().open(`${gateway.https}/#location=/${topic.name}`);
      await short.says('#count', '100');
      expect(await rows(tab)).toBeLessThan(MOST_ROWS);
      // What one looks at stays where it is while more comes.
      for (let i = 0; i < 3; i++) await tab.page.locator('#grid').press('PageUp');
      const top = (): Promise<string | null> =>
        tab.page.evaluate(() => {
          const { left, top } = document.getElementById('grid')!.getBoundingClientRect();
          const element = document.elementFromPoint(left + 20, top + 60);
          return element?.closest('p')?.textContent ?? null;
        });
      let before: string | null = null;
      await eventually('a row in sight', async () => {
        before = await top();
        return before !== null;
      });
      await topic.produce({ value: 'one more' }, { value: 'and another' });
      await tab.says('#count', '25,002');
      await eventually('the same row', async () => (await top()) === before);
      await tab.page.getByRole('button', { name: 'Newest' }).click();
      await eventually('the newest', async () => (await tab.messages())[0] === 'and another');
    });
  });
});
