import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { describe, expect, test } from '@jest/globals';
import { type Answer, curl } from '../support/curl.ts';
import { eventually, within } from '../support/deadline.ts';
import type { Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape, untilScraped } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import { Gateway, kafka } from './face.ts';

interface Told {
  readonly records: readonly { readonly offset: number; readonly value: string | null }[];
  readonly gaps?: readonly { readonly reason: string }[];
  readonly id: string;
}

function ask(url: string, ...args: readonly string[]): Promise<Answer> {
  return curl('-H', 'Accept: application/json', ...args, url);
}

function told({ status, body }: Answer): Told {
  expect([status, `${body}`]).toEqual([200, expect.stringMatching(/^\{.*\}$/s)]);
  return JSON.parse(`${body}`);
}

function valuesOf(answer: Answer): (string | null)[] {
  return told(answer).records.map(({ value }) => value);
}

onEachRuntime((runtime) => {
  describe('a document', () => {
    let plain!: Topic;
    let compacted!: Topic;
    let grows!: Topic;
    let waited!: Topic;
    const missing = newName();
    const gateway = shared(async () => {
      plain = await kafka.createTopic();
      compacted = await kafka.createTopic({ compacted: true });
      grows = await kafka.createTopic();
      waited = await kafka.createTopic();
      await plain.produce(
        { key: 'k', value: 'a', timestamp: 1, headers: [['h', 'v']] },
        { value: Buffer.from([0xff]), timestamp: 2 },
        { timestamp: 3, value: null },
        { key: 'k', value: null, timestamp: 4 },
      );
      await compacted.produce(
        { key: 'a', value: 'old' },
        { key: 'b', value: 'b' },
        { key: 'a', value: 'new' },
      );
      await grows.produce({ value: 'first' });
      const topics = [plain, compacted, grows, waited].map(({ name }) => name);
      return Gateway.start(runtime, { topics: [...topics, missing] });
    });
    const url = (topic: Topic, query = ''): string =>
      `${gateway().http}/${topic.name}?until=live${query}`;

    test('has all that was there as format=json has it, and its id, over both versions of HTTP', async () => {
      const document =
        '{"records":[{"partition":0,"offset":0,"timestamp":1,"key":"k","value":"a","headers":[["h","v"]]},' +
        '{"partition":0,"offset":1,"timestamp":2,"key":null,"valueBase64":"/w=="},' +
        '{"partition":0,"offset":3,"timestamp":4,"key":"k","value":null}],' +
        `"id":"${plain.cursor(4)}"}`;
      for (const format of ['', '&format=text', '&format=json']) {
        const ofHttp1 = await ask(url(plain, format), '--http1.1');
        const ofHttp2 = await ask(
          `${gateway().https}/${plain.name}?until=live${format}`,
          '--http2',
        );
        expect([ofHttp1.httpVersion, ofHttp2.httpVersion]).toEqual(['1.1', '2']);
        for (const { status, headers, body } of [ofHttp1, ofHttp2]) {
          expect([status, `${body}`]).toEqual([200, document]);
          expect(Object.fromEntries(headers)).toMatchObject({
            'content-type': 'application/json',
            'cache-control': 'private, no-cache',
            vary: 'accept, last-event-id',
            etag: expect.stringMatching(/^W\/"[^"]+"$/),
          });
        }
        expect(ofHttp1.headers.get('etag')).toBe(ofHttp2.headers.get('etag'));
      }
    });

    test('is a stream where the stream is named, too, and where nothing ends it', async () => {
      for (const accept of ['application/json, text/event-stream', '*/*', 'text/html']) {
        const { headers } = await curl('-I', '-H', `Accept: ${accept}`, url(plain));
        expect([accept, headers.get('content-type')]).toEqual([accept, 'text/event-stream']);
      }
      const endless = await ask(`${gateway().http}/${plain.name}`, '-I');
      expect(endless.headers.get('content-type')).toBe('text/event-stream');
    });

    test('has the latest of each key, what follows an id, the last offsets, and gaps', async () => {
      expect(valuesOf(await ask(url(compacted)))).toEqual(['b', 'new']);
      expect(valuesOf(await ask(url(plain, `&lastEventId=${plain.cursor(3)}`)))).toEqual([null]);
      expect(valuesOf(await ask(url(plain), '-H', `Last-Event-ID: ${plain.cursor(3)}`))).toEqual([
        null,
      ]);
      expect(valuesOf(await ask(url(plain, '&since=-1')))).toEqual([null]);
      expect(told(await ask(url(plain, '&since=latest')))).toEqual({
        records: [],
        id: plain.cursor(4),
      });
      const { gaps, records, id } = told(await ask(url(plain, `&lastEventId=${plain.cursor(9)}`)));
      expect([gaps?.map(({ reason }) => reason), records, id]).toEqual([
        ...[['truncated'], [], plain.cursor(4)],
      ]);
    });

    test('is 304 to who has all of it, until something comes, a gap too', async () => {
      const first = await ask(url(grows));
      const tag = first.headers.get('etag')!;
      const again = (query = '', ...args: string[]): Promise<Answer> =>
        ask(url(grows, query), '-H', `If-None-Match: "other", ${tag}`, ...args);
      const same = await again();
      expect([same.status, same.body.length, same.headers.get('etag')]).toEqual([304, 0, tag]);
      expect(same.headers.get('cache-control')).toBe('private, no-cache');
      expect((await again(`&lastEventId=${told(first).id}`)).status).toBe(304);
      expect((await again('', '-I')).status).toBe(304);
      // The marker of a transaction that was aborted is nothing to a client.
      const aborted = await grows.begin({ value: 'never' });
      await aborted.abort();
      await eventually('the marker to be read', async () => {
        return (await ask(url(grows))).headers.get('etag') !== tag;
      });
      expect((await again()).status).toBe(304);
      await grows.produce({ value: 'second' });
      expect(valuesOf(await again())).toEqual(['first', 'second']);
      const later = (await ask(url(grows))).headers.get('etag')!;
      expect(later).not.toBe(tag);
      await grows.deleteBefore(4);
      // What it lacks was deleted.
      const lacking = await again();
      expect([lacking.status, told(lacking).records]).toEqual([200, []]);
    });

    test('HEAD has the same head', async () => {
      const [got, head] = [await ask(url(compacted)), await ask(url(compacted), '-I')];
      const of = ({ status, headers }: Answer): unknown => [
        status,
        ...['content-type', 'etag', 'cache-control', 'vary'].map((name) => headers.get(name)),
      ];
      expect([of(head), head.body.length]).toEqual([of(got), 0]);
      expect((await ask(`${gateway().http}/${plain.name}?until=now`, '-I')).status).toBe(400);
    });

    test('of a topic that is not there is 503, with a time to come back', async () => {
      const answer = await ask(`${gateway().http}/${missing}?until=live`);
      expect([answer.status, `${answer.body}`]).toEqual([503, expect.stringMatching(missing)]);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0);
    });

    test('with wait comes with the first record, or empty once the time is over', async () => {
      const path = `${gateway().http}/${waited.name}?wait=`;
      const nothing = await ask(`${path}1`);
      expect(told(nothing)).toEqual({ records: [], id: waited.cursor(0) });
      const tag = nothing.headers.get('etag')!;
      expect((await ask(`${path}1`, '-H', `If-None-Match: ${tag}`)).status).toBe(304);
      const waiting = ask(`${path}60`);
      await untilScraped('it to wait', gateway(), (scrape) => {
        return scrape.value('sse_kafka_connections', { topic: waited.name }) === 1;
      });
      await waited.produce({ value: 'first' });
      expect(valuesOf(await waiting)).toEqual(['first']);
    });

    test('lets its place go where its client leaves before the head', async () => {
      const topic = await kafka.createTopic();
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      const sent = request(`${own.http}/${topic.name}?wait=60`, {
        headers: { accept: 'application/json' },
      });
      sent.on('error', () => {});
      sent.end();
      const open = (count: number): Promise<unknown> =>
        untilScraped(`${count} open`, own, (scrape) => {
          return scrape.value('sse_kafka_connections', { topic: topic.name }) === count;
        });
      await open(1);
      sent.destroy();
      await open(0);
    });

    test('is read as slowly as its client reads: what it does not take stays in the log', async () => {
      const topic = await kafka.createTopic();
      const value = 'x'.repeat(10_000);
      for (let n = 0; n < 20; n++) {
        await topic.produce(...Array.from({ length: 100 }, () => ({ value })));
      }
      await using own = await Gateway.startReady(runtime, { topics: [topic.name] });
      const sent = request(`${own.http}/${topic.name}?until=live`, {
        headers: { accept: 'application/json' },
      });
      sent.end();
      const [response] = (await within('the head', once(sent, 'response'))) as [IncomingMessage];
      response.pause();
      let before = -1;
      await eventually('it to stop', async () => {
        const events = { topic: topic.name };
        const now = (await Scrape.of(own)).value('sse_kafka_events_sent_total', events);
        const isStill = now === before;
        before = now;
        return isStill && now > 0;
      });
      expect(before).toBeLessThan(1500);
      let text = '';
      for await (const bytes of response) text += bytes;
      expect((JSON.parse(text) as Told).records).toHaveLength(2000);
    });
  });
});
