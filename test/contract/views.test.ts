import { describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { Gateway, kafka } from './face.ts';

const where = (text: string): string => `where=${encodeURIComponent(text)}`;

/** What a stream gave until it was over: values, names of other events. */
async function all(stream: SseStream): Promise<string[]> {
  await within('the stream to end', stream.over);
  return stream.events.map(({ event, data }) => (event === 'message' ? data : event));
}

onEachRuntime((runtime) => {
  describe("a client's own filter", () => {
    let plain!: Topic;
    let compacted!: Topic;
    const gateway = shared(async () => {
      plain = await kafka.createTopic();
      compacted = await kafka.createTopic({ compacted: true });
      const kind = (value: string | null): [string, string | null] => ['kind', value];
      await plain.produce(
        { key: 'a', value: '0', headers: [kind('x')] },
        { key: 'b', value: '1', headers: [kind('y')] },
        { key: 'a', value: '2', headers: [kind('x'), kind('y')] },
        { key: '', value: '3' },
        { key: null, value: '4', headers: [kind('x'), ['other', 'x']] },
        { key: Uint8Array.of(0xff, 0xfe), value: '5' },
        { key: 'ä b', value: '6' },
        { key: 'c', value: '7' },
      );
      await compacted.produce(
        { key: 'a', value: 'old' },
        { key: 'b', value: 'b' },
        { key: 'a', value: 'new' },
        { key: 'c', value: null },
        { key: 'd', value: 'd' },
      );
      return Gateway.startReady(runtime, {
        topics: [plain.name, compacted.name],
        env: { MAX_SCANNED_VIEWS: '2', HEARTBEAT_SECONDS: '1' },
      });
    });
    const untilLive = async (topic: Topic, query: string): Promise<string[]> => {
      await using stream = await gateway().stream(`/${topic.name}?until=live&${query}`);
      return await all(stream);
    };

    test.each([
      ['key=a', '02'],
      ['key=a&key=b', '012'],
      ['key=', '3'],
      ['keyBase64=__4', '5'],
      ['keyBase64=//4=&key=%C3%A4+b', '56'],
      ['header.kind=x', '04'],
      ['header.kind=x&header.kind=y', '0124'],
      ['header.kind=x&header.other=x', '4'],
      ['header.kind=y&key=a', '2'],
      ['key=nobody', ''],
      ['header.kind=&keyBase64=&where=', '01234567'],
      [where('key == "a"'), '02'],
      [where('key in ["a", "b"] && headers.kind == "y"'), '12'],
      [where('key == null'), '4'],
      [where('has(headers.other) || key == "b"'), '14'],
      [where('headers.kind != "x"'), '12'],
      [where('offset >= 2 && partition == 0 && offset < 5'), '234'],
      [where('timestamp > 0 && size(key) == 3'), '6'],
      [where('topic == "another"'), ''],
      [where('value == 3.0'), '3'],
      [where('value in [1, 6, "7", null]'), '16'],
      [where('value > 4 && value <= 6'), '56'],
      [where('!(value != 2) && key == "a"'), '2'],
      [where('has(value.a) || value == "1"'), ''],
      [`${where('offset < 3')}&${where('offset > 0')}&key=a`, '2'],
    ])('%s lets through those alone', async (query, values) => {
      expect(await untilLive(plain, query)).toEqual([...values, 'live']);
    });

    test('lets the ids be those that all have, and goes on from any of them', async () => {
      await using stream = await gateway().stream(`/${plain.name}?key=a&until=live`);
      await all(stream);
      const ids = stream.events.map(({ id }) => id);
      expect(ids).toEqual([plain.cursor(1), plain.cursor(3), plain.cursor(8)]);
      expect(await untilLive(plain, `key=a&lastEventId=${ids[0]}`)).toEqual(['2', 'live']);
      // With another filter: what matches that from the place on.
      expect(await untilLive(plain, `key=c&lastEventId=${ids[1]}`)).toEqual(['7', 'live']);
    });

    test.each([
      ['key=a', ['new', 'live']],
      ['key=c', ['delete', 'live']],
      ['key=d&key=b&key=x', ['b', 'd', 'live']],
    ])('%s has of a compacted topic the latest of its keys', async (query, expected) => {
      expect(await untilLive(compacted, query)).toEqual(expected);
    });

    test('brings what comes, and tells a quiet client its place', async () => {
      const topic = await kafka.createTopic({ partitions: 2 });
      await using own = await Gateway.startReady(runtime, {
        topics: [topic.name],
        env: { HEARTBEAT_SECONDS: '1' },
      });
      await using mine = await own.stream(`/${topic.name}?key=mine&format=json`);
      await using quiet = await own.stream(`/${topic.name}?key=nobody`);
      await mine.until('live', () => mine.events.length > 0);
      await topic.produce(
        { key: 'mine', value: 'a' },
        { key: 'other', value: 'b', partition: 1 },
        { key: 'mine', value: 'c', partition: 1 },
      );
      await mine.until('both', () => mine.events.length >= 3);
      const values = mine.events.slice(1, 3).map(({ data }) => JSON.parse(data).value);
      expect(values.sort()).toEqual(['a', 'c']);
      await quiet.until('its place', () => quiet.events.length > 0);
      expect(quiet.events.map(({ event }) => event)).toEqual(['place']);
      expect(quiet.events[0]!.id).toBe(topic.cursor(1, 2));
    });

    test('has a document of its own, with a tag of its own', async () => {
      const get = async (query: string, ...more: string[]) =>
        curl('-H', 'Accept: application/json', ...more, `${gateway().http}/${plain.name}?${query}`);
      const mine = await get('key=a&until=live');
      const { records } = JSON.parse(String(mine.body)) as { records: { value: string }[] };
      expect(records.map(({ value }) => value)).toEqual(['0', '2']);
      const other = await get('key=b&until=live');
      const tag = mine.headers.get('etag')!;
      expect(other.headers.get('etag')).not.toBe(tag);
      const again = (query: string) => get(query, '-H', `If-None-Match: ${tag}`);
      expect((await again('key=a&until=live')).status).toBe(304);
      expect((await again('key=b&until=live')).status).toBe(200);
      expect((await again('until=live')).status).toBe(200);
    });

    test.each([
      ['keyBase64=a*', 'character 2'],
      [`x=1${'&key=a'.repeat(1001)}`, '1000 values'],
      [where('key == '), 'where, at character'],
      [where('offset == 1 && nobody == 2'), 'where, at character 16: no name nobody'],
      [where('offset == "a"'), 'a number is never a text'],
      [where('claims.sub == "a"'), 'no name claims'],
      [where('value.a == 1 && value.b < null'), 'where, at character 17: no order of'],
      [where('key.matches("a")'), 'matches() is not taken'],
      [`${where('key == "a"')}&${where(`key == "${'a'.repeat(2040)}"`)}`, '2048 bytes'],
      [
        Array(11)
          .fill(where(Array(10).fill('!true').join('||')))
          .join('&'),
        '100 operators',
      ],
    ])('%.20s is 400 with its place', async (query, words) => {
      for (const head of [[], ['-I']]) {
        const { status, body } = await curl(...head, `${gateway().http}/${plain.name}?${query}`);
        expect(status).toBe(400);
        if (head.length === 0) expect(String(body)).toContain(words);
      }
    });

    test('tells on a compacted topic which keys match no more, in each format', async () => {
      const topic = await kafka.createTopic({ compacted: true });
      const kind = (value: string): [string, string][] => [['kind', value]];
      await topic.produce(
        { key: 'old', value: '0', headers: kind('x') },
        { key: 'old', value: '1', headers: kind('y') },
        { key: 'a', value: '2', headers: kind('x') },
        { key: 'b', value: '3', headers: kind('x') },
      );
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      const path = `/${topic.name}?header.kind=x`;
      await using text = await own.stream(path);
      await using json = await own.stream(`${path}&format=json`);
      await json.until('live', () => json.events.some(({ event }) => event === 'live'));
      await text.until('both', () => text.events.length >= 2);
      await topic.produce(
        { key: 'a', value: '4', headers: kind('y') },
        { key: 'never', value: '5', headers: kind('y') },
        { key: 'b', value: null, headers: kind('y') },
        { key: 'a', value: '6', headers: kind('y') },
        { key: 'c', value: '7', headers: kind('x') },
      );
      const ofText = ['message 2', 'message 3', 'leave YQ==', 'delete Yg==', 'message 7'];
      await text.until('the last', () => text.events.at(-1)?.data === '7');
      const shown = ({ events }: SseStream) => events.map(({ event, data }) => `${event} ${data}`);
      expect(shown(text).toSorted()).toEqual(ofText.toSorted());
      await json.until('the last', () => json.events.at(-1)?.data.includes('"7"') === true);
      const left = json.events.filter(({ event }) => event === 'leave' || event === 'delete');
      const objects = left.map(({ event, data }) => [event, JSON.parse(data)]);
      const [leave, gone] = [{ key: 'a' }, { key: 'b', value: null }];
      for (const [event, object] of objects) {
        const { partition, offset, timestamp, ...rest } = object;
        expect([partition, typeof offset, typeof timestamp]).toEqual([0, 'number', 'number']);
        expect(rest).toEqual(event === 'leave' ? leave : gone);
      }
      expect(objects.map(([event]) => event).toSorted()).toEqual(['delete', 'leave']);

      // Who comes back hears of what changed and does not match now.
      const back = `${path}&until=live&lastEventId=${encodeURIComponent(topic.cursor(4))}`;
      const { body } = await curl('-H', 'Accept: application/json', `${own.http}${back}`);
      const { records } = JSON.parse(String(body)) as { records: { key: string }[] };
      expect(records.map(({ key, ...rest }) => [key, 'value' in rest])).toEqual([
        ['never', false],
        ['b', true],
        ['a', false],
        ['c', true],
      ]);
    });

    test('is refused where too many shapes are open, keys and what is open never', async () => {
      const path = (query: string): string => `/${plain.name}?since=latest&${query}`;
      await using first = await gateway().stream(path('header.a=1'));
      await using second = await gateway().stream(path('header.b=1'));
      await first.until('its place', () => first.blocks.length > 1);
      await second.until('its place', () => second.blocks.length > 1);
      const asked = async (query: string, ...more: string[]) =>
        curl(...more, `${gateway().http}${path(query)}&until=live`);
      const refused = await asked('header.c=1');
      expect([refused.status, refused.headers.has('retry-after')]).toEqual([503, true]);
      const told = await asked('header.c=1', '-H', 'Accept: text/event-stream');
      expect(told.status).toBe(200);
      expect(String(told.body)).toMatch(/^retry:1\d{4}\n\n$/);
      for (const query of ['header.a=2', 'header.b=1', 'key=x', 'key=x&key=y']) {
        expect((await asked(query)).status).toBe(200);
      }
      const scrape = await Scrape.of(gateway());
      expect(scrape.value('sse_kafka_rejected_total', { reason: 'max_views' })).toBe(2);
      await first[Symbol.asyncDispose]();
      await untilScraped('a shape to be free', gateway(), (one) => {
        return one.value('sse_kafka_views', { topic: plain.name }) === 1;
      });
      expect((await asked('header.c=1')).status).toBe(200);
    });

    test('is counted, once for all who ask the same', async () => {
      const topic = await kafka.createTopic();
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      const of = { topic: topic.name };
      const paths = ['key=a', 'key=a', 'key=b', 'header.x=1&key=a', ''];
      await using streams = new StreamGroup();
      for (const query of paths) {
        const stream = streams.add(await own.stream(`/${topic.name}?since=latest&${query}`));
        await stream.until('its place', () => stream.blocks.length > 1);
      }
      await topic.produce({ key: 'a', value: '1' }, { key: 'c', value: '2' });
      const scrape = await untilScraped('both records', own, (one) => {
        return one.value('sse_kafka_records_total', of) === 2;
      });
      expect(scrape.value('sse_kafka_views', of)).toBe(3);
      const result = (name: string): number =>
        scrape.value('sse_kafka_filter_records_total', { ...of, result: name });
      expect(['match', 'skip', 'error'].map(result)).toEqual([1, 0, 1]);
    });
  });
});
