import { describe, expect, jest, test } from '@jest/globals';
import { MemoryTopic } from '../../test/support/memory_topic.ts';
import type { Channel } from '../channels/channels.ts';
import type { Feed } from '../feed/feed.ts';
import type { EndReason } from '../ports/stream_observer.ts';
import { Sleepers } from '../stretches/sleepers.ts';
import { Subscription } from '../stretches/subscription.ts';
import { formatByName } from '../views/format.ts';
import { viewIn } from '../views/view.ts';
import { Document } from './document.ts';
import type { OpenStreams } from './open_streams.ts';
import { PULL_ONLY, pulledFrom } from './stream_body.ts';

const JSON_VIEW = viewIn(formatByName('json')!);
const NEW = { cursor: null, since: null };
const decoder = new TextDecoder();

/** A document of a topic, and the way in which it has ended. */
function documentOf(topic: MemoryTopic, waitMs = 0, other?: Subscription) {
  const sleepers = new Sleepers();
  const subscription = other ?? new Subscription(topic, JSON_VIEW, NEW, sleepers, { waitMs });
  const ends: EndReason[] = [];
  const streams = { sweeps: 0, delete: (_: unknown, reason: EndReason) => ends.push(reason) };
  const part = { topic: topic.topic, feed: topic as unknown as Feed } as Channel;
  const channel = { ...part, parts: [part] };
  const document = new Document(channel, '', null, subscription, streams as unknown as OpenStreams);
  return { document, sleepers, ends };
}

/** Reads until the end, or until there is nothing now. */
function read(document: Document): { text: string; isOver: boolean } {
  let text = '';
  for (let more = true; more; ) {
    more = false;
    let isOver = false;
    document.next({
      receive(bytes) {
        text += decoder.decode(bytes);
        more = true;
      },
      end() {
        isOver = true;
      },
    });
    if (isOver) return { text, isOver };
  }
  return { text, isOver: false };
}

describe('Document', () => {
  test('Document.begin() waits for the first record and the end, and next() gives all of it', async () => {
    const topic = new MemoryTopic();
    for (const value of 'abc') topic.append(value);
    const { document, ends } = documentOf(topic);
    const begun = document.begin(1000, 1000);
    topic.answer(topic.state);
    expect([await begun, document.isEmpty, document.id]).toEqual(['known', false, 'AgECAwQCAAY=']);
    const { text, isOver } = read(document);
    const { records, id } = JSON.parse(text) as { records: { value: string }[]; id: string };
    expect([records.map(({ value }) => value).join(''), id]).toEqual(['abc', 'AgECAwQCAAY=']);
    expect([isOver, ends]).toEqual([true, ['done']]);
  });

  test('Document.next() takes no more than its reader: what is left stays in the log', async () => {
    const topic = new MemoryTopic({ maxBytes: 2 ** 24 });
    for (let n = 0; n < 200; n++) topic.append(`${n} `.padEnd(10_000, 'x'));
    const { document } = documentOf(topic);
    const begun = document.begin(1000, 1000);
    topic.answer(topic.state);
    await begun;
    const sent = topic.traffic.eventsSent;
    expect(sent).toBeLessThan(20);
    let isPart = false;
    document.next({ receive: () => (isPart = true), end: () => {} });
    expect([isPart, topic.traffic.eventsSent]).toEqual([true, sent]);
    document.cancel();
  });

  test.each<EndReason>(['drain', 'config', 'max_age'])(
    'Document.end() for %s never looks whole',
    async (reason) => {
      const topic = new MemoryTopic();
      topic.append('a');
      const { document, ends } = documentOf(topic);
      const begun = document.begin(1000, 1000);
      topic.answer(topic.state);
      await begun;
      let text = '';
      document.next({ receive: (bytes) => (text += decoder.decode(bytes)), end: () => {} });
      document.end(reason);
      const rest = read(document);
      expect(rest).toEqual({ text: '', isOver: true });
      expect(() => JSON.parse(text)).toThrow();
      expect(ends).toEqual([reason]);
    },
  );

  test('Document.begin() is late where the topic is not loaded in time, and tells why where it has ended', async () => {
    jest.useFakeTimers();
    const topic = new MemoryTopic();
    topic.isLoaded = false;
    const { document, sleepers } = documentOf(topic);
    const begun = document.begin(1000, 5000);
    await jest.advanceTimersByTimeAsync(1000);
    expect(await begun).toBe('late');
    const other = documentOf(topic).document;
    const begins = other.begin(1000, 5000);
    other.end('drain');
    expect(await begins).toBe('drain');
    document.cancel();
    expect([sleepers.size, jest.getTimerCount()]).toEqual([0, 0]);
    jest.useRealTimers();
  });

  test('Document.cancel() ends a body whose next part is waited for', async () => {
    const topic = new MemoryTopic();
    const subscription = new Subscription(topic, JSON_VIEW, NEW, new Sleepers(), { waitMs: 0 });
    const { document, ends } = documentOf(topic, 0, subscription);
    const reader = new ReadableStream(pulledFrom(document), PULL_ONLY).getReader();
    const read = reader.read();
    await new Promise((resolve) => setImmediate(resolve));
    await reader.cancel();
    expect([await read, ends]).toEqual([{ done: true, value: undefined }, ['client']]);
  });

  test('Document.beat() shows that it goes on, between two records, where it parses', async () => {
    const topic = new MemoryTopic();
    const encoder = new TextEncoder();
    const blocks = [
      'data:{}\nid:A\n\n',
      null,
      'data:{}\nid:B\n\n',
      'event:live\ndata:{}\nid:B\n\n',
    ];
    let wake = (): void => {};
    const subscription = {
      sent: () => {},
      endId: 'B',
      isOver: false,
      take(): Uint8Array | null {
        const block = blocks.shift() ?? null;
        this.isOver = blocks.length === 0;
        return block === null ? null : encoder.encode(block);
      },
      wait: (then: () => void) => {
        wake = then;
      },
      close: () => {},
    };
    const { document } = documentOf(topic, 0, subscription as unknown as Subscription);
    await document.begin(1000, 1000);
    const parts: string[] = [];
    const next = (): void =>
      document.next({ receive: (bytes) => parts.push(decoder.decode(bytes)), end: () => {} });
    next();
    next();
    document.beat();
    document.beat();
    next();
    wake();
    next();
    expect(parts).toEqual(['{"records":[{}', '\n', ',{}', '],"id":"B"}']);
  });
});
