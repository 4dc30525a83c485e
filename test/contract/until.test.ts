import { describe, expect, test } from '@jest/globals';
import { connect, table } from '../../public/client/client.js';
import { curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import { H2Session } from '../support/h2_session.ts';
import type { Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { SseStream } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

const STREAM = { 'content-type': 'text/event-stream' };

/** What a stream gave until it was over: values, names of other events. */
async function all(stream: SseStream): Promise<string[]> {
  await within('the stream to end', stream.over);
  expect(stream.isAtBlockEnd).toBe(true);
  return stream.events.map(({ event, data }) => (event === 'message' ? data : event));
}

onEachRuntime((runtime) => {
  describe('a stream until live', () => {
    let plain!: Topic;
    let compacted!: Topic;
    let empty!: Topic;
    let waited!: Topic;
    let polled!: Topic;
    const missing = newName();
    const gateway = shared(async () => {
      plain = await kafka.createTopic({ partitions: 2 });
      compacted = await kafka.createTopic({ compacted: true });
      empty = await kafka.createTopic();
      waited = await kafka.createTopic();
      polled = await kafka.createTopic({ compacted: true });
      await plain.produce(
        { value: 'a' },
        { value: 'b', partition: 1 },
        { value: 'c' },
        { value: 'd' },
      );
      await compacted.produce(
        { key: 'a', value: 'old' },
        { key: 'b', value: 'b' },
        { key: 'a', value: 'new' },
        { key: 'b', value: null },
      );
      const topics = [plain, compacted, empty, waited, polled].map(({ name }) => name);
      return Gateway.startReady(runtime, { topics });
    });

    test('is what connect() and table() ask for, again and again, where the network holds streams back', async () => {
      /** The network: what ends comes through. */
      const held = async (url: string, init?: RequestInit): Promise<Response> => {
        if (!/\/-\/|wait=/.test(url)) return new Response('', { headers: STREAM });
        return fetch(url, init);
      };
      const url = `${gateway().http}/${polled.name}`;
      const values: unknown[] = [];
      const connection = connect(url, { format: 'json', fetch: held });
      const rows = table(url, { fetch: held });
      connection.onmessage = ({ detail }) => values.push(detail.value);
      for (const one of [connection, rows.connection]) {
        one.addEventListener('error', () => queueMicrotask(() => one.wake()));
      }
      await polled.produce({ key: 'a', value: '1' }, { key: 'b', value: '2' });
      await within('the rows', rows.whole);
      await eventually('both values', async () => values.length === 2);
      await polled.produce({ key: 'a', value: '3' });
      await polled.produce({ key: 'b', value: null }, { key: 'c', value: '4' });
      await eventually('the last value', async () => values.at(-1) === '4' && rows.has('c'));
      expect([values, [...rows].sort()]).toEqual([
        ['1', '2', '3', '4'],
        [
          ['a', '3'],
          ['c', '4'],
        ],
      ]);
      expect([connection.status, rows.status]).toEqual(['polling', 'polling']);
      connection.close();
      rows.close();
    });

    test.each(['', '&format=json'])('has all that was there, live, and ends%s', async (format) => {
      await using h2 = new H2Session(gateway().https);
      const path = `/${plain.name}?until=live${format}`;
      await using first = await gateway().stream(path);
      await using second = await SseStream.open(gateway().https + path, { h2: h2.session });
      for (const stream of [first, second]) {
        const got = (await all(stream)).map((data) => /"value":"(.)"/.exec(data)?.[1] ?? data);
        expect([got.slice(0, -1).sort(), got.at(-1)]).toEqual([['a', 'b', 'c', 'd'], 'live']);
        const { raw } = stream.blocks.at(-1)!;
        expect(raw).toBe(`event:live\ndata:{}\nid:${plain.cursor(3, 1)}\n\n`);
      }
    });

    test('has of a compacted topic the latest of each key', async () => {
      await using stream = await gateway().stream(`/${compacted.name}?until=live`);
      expect(await all(stream)).toEqual(['new', 'delete', 'live']);
      expect(stream.events.at(-1)!.id).toBe(compacted.cursor(4));
    });

    test('has nothing but live where nothing is there, or nothing came after', async () => {
      for (const [path, id] of [
        [`/${empty.name}?until=live`, empty.cursor(0)],
        [`/${plain.name}?until=live&since=latest`, plain.cursor(3, 1)],
        [`/${plain.name}?until=live&lastEventId=${plain.cursor(3, 1)}`, plain.cursor(3, 1)],
      ]) {
        await using stream = await gateway().stream(path!);
        expect(await all(stream)).toEqual(['live']);
        expect(stream.events[0]!.id).toBe(id);
      }
    });

    test('has what comes after an id, a gap too, and the last offsets', async () => {
      const ofOther = plain.cursor(2, 9);
      for (const [query, values] of [
        [`lastEventId=${plain.cursor(2, 1)}`, ['d', 'live']],
        ['since=-1', ['b', 'd', 'live']],
        [`lastEventId=${ofOther}`, ['gap', 'd', 'live']],
      ] as const) {
        await using stream = await gateway().stream(`/${plain.name}?until=live&${query}`);
        expect((await all(stream)).toSorted()).toEqual(values.toSorted());
        expect(stream.events.at(-1)!.event).toBe('live');
      }
    });

    test('ends where a transaction is open, and not before what is committed', async () => {
      const topic = await kafka.createTopic();
      await topic.produce({ value: 'before' });
      const open = await topic.begin({ value: 'within' });
      await topic.produce({ value: 'behind' });
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      await using during = await own.stream(`/${topic.name}?until=live`);
      expect(await all(during)).toEqual(['before', 'live']);
      await open.commit();
      await using after = await own.stream(`/${topic.name}?until=live`);
      expect(await all(after)).toEqual(['before', 'within', 'behind', 'live']);
      // Past the marker.
      expect(after.events.at(-1)!.id).toBe(topic.cursor(4));
    });

    test('waits for a topic that does not exist, and is never at its end when it is drained', async () => {
      await using own = await Gateway.start(runtime, { topics: [missing] });
      await using stream = await own.stream(`/${missing}?until=live`);
      await stream.until('the first block', () => stream.blocks.length === 1);
      await own.stop();
      await within('the stream to end', stream.over);
      expect(stream.events).toEqual([]);
      await own.start();
      await using again = await own.stream(`/${missing}?until=live`);
      await again.until('the first block', () => again.blocks.length === 1);
      const topic = await kafka.createTopic({ name: missing });
      expect(await all(again)).toEqual(['live']);
      expect(again.events[0]!.id).toBe(topic.cursor(0));
    });

    test('with wait ends at once where there is something, else with the first, or the time', async () => {
      await using full = await gateway().stream(`/${plain.name}?wait=60`);
      expect((await all(full)).at(-1)).toBe('live');
      await using stream = await gateway().stream(`/${waited.name}?wait=60`);
      await using short = await gateway().stream(`/${waited.name}?wait=1`);
      expect(await all(short)).toEqual(['live']);
      expect(stream.events).toEqual([]);
      await waited.produce({ value: 'first' });
      expect(await all(stream)).toEqual(['first', 'live']);
    });

    test('counts as done, and leaves its place to others', async () => {
      const topic = await kafka.createTopic();
      await using own = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { MAX_CONNECTIONS: '1' },
      });
      for (let n = 0; n < 3; n++) {
        await using stream = await own.stream(`/${topic.name}?until=live`);
        expect(await all(stream)).toEqual(['live']);
      }
      await untilScraped('the ends', own, (scrape) => {
        return (
          scrape.value('sse_kafka_disconnects_total', { topic: topic.name, reason: 'done' }) === 3
        );
      });
    });

    test.each([
      ['until=now', /^until .*live.*\n$/],
      ['until=LIVE', /^until .*live.*\n$/],
      ['wait=0', /^wait .*1 to 60.*\n$/],
      ['wait=61', /^wait .*1 to 60.*\n$/],
      ['wait=1.5&until=live', /^wait .*1 to 60.*\n$/],
    ])('%s is 400 with a line that says what it takes', async (query, line) => {
      const url = `${gateway().http}/${plain.name}?${query}`;
      const { status, body } = await curl(url);
      expect([status, `${body}`]).toEqual([400, expect.stringMatching(line)]);
      expect((await curl('-I', url)).status).toBe(400);
    });
  });
});
