import { createHash } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { within } from '../support/deadline.ts';
import { Issuer } from '../support/issuer.ts';
import type { Topic } from '../support/kafka.ts';
import { newName } from '../support/new_name.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { Scrape } from '../support/scrape.ts';
import { shared } from '../support/shared.ts';
import type { Block, SseStream } from '../support/sse_stream.ts';
import { StreamGroup } from '../support/stream_group.ts';
import { base64url } from '../support/wire_format.ts';
import { Gateway, kafka } from './face.ts';

const nameHash = (name: string): Buffer =>
  createHash('sha256').update(name).digest().subarray(0, 4);

/** The id of several topics, by the ids that each would have alone; in order of their names. */
function idOf(...parts: readonly (readonly [Topic, ...number[]])[]): string {
  const inOrder = parts.toSorted(([a], [b]) => (a.name < b.name ? -1 : 1));
  const bytes = inOrder.map(([topic, ...offsets]) =>
    Buffer.concat([
      nameHash(topic.name),
      Buffer.from(topic.cursor(...offsets), 'base64url').subarray(1),
    ]),
  );
  return base64url(Buffer.concat([Buffer.of(3, parts.length), ...bytes]));
}

/** What came: topic and value of records, what gaps say, the names of other events. */
const told = ({ event, data }: Block): string => {
  const { topic, reason, key, value } = JSON.parse(data) as Record<string, string>;
  if (event === 'gap') return `${topic} gap ${reason}`;
  if (event !== 'message' && event !== 'delete') return event;
  return event === 'delete' ? `${topic} -${key}` : `${topic} ${value}`;
};
const come = ({ events }: SseStream): string[] =>
  events.map(told).map((text) => text.replace(/^test-\S+-/, ''));

/** Topic and key of each record; who comes back may hear of keys that left, too. */
function keysOf(events: readonly Block[]): string[] {
  const records = events.filter(({ event }) => event === 'message');
  return records
    .map(({ data }) => {
      const { topic, key } = JSON.parse(data) as Record<string, string>;
      return `${topic!.replace(/.*-/, '')} ${key}`;
    })
    .toSorted();
}

async function untilLive(stream: SseStream, times = 1): Promise<string[]> {
  const count = (): number => stream.events.filter(({ event }) => event === 'live').length;
  await stream.until(`live, ${times} times`, () => count() >= times);
  return come(stream);
}

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

onEachRuntime((runtime) => {
  const name = newName();
  let a!: Topic;
  let b!: Topic;
  let c!: Topic;
  const one = shared(async () => {
    a = await kafka.createTopic({ name: `${name}-a`, partitions: 2 });
    b = await kafka.createTopic({ name: `${name}-b`, compacted: true });
    c = await kafka.createTopic({ name: `${name}-c` });
    await a.produce({ key: '1', value: '0' }, { key: '2', value: '1', partition: 1 });
    await b.produce(
      { key: 'k', value: 'old' },
      { key: 'k', value: '0' },
      { key: 'x', value: null },
    );
    await c.produce({ value: '0' }, { value: '1\nend' });
    const env = { MAX_CONNECTIONS: '40', ADMIN_TOKEN_FILE: '' };
    return Gateway.startReady(runtime, { topics: [a.name, b.name, c.name], env });
  });
  const other = shared(() => Gateway.startReady(runtime, { topics: [a.name, b.name, c.name] }));
  const path = (...topics: readonly Topic[]): string =>
    `/${topics.map((topic) => topic.name).join(',')}?format=json`;
  const THERE = ['a 0', 'a 1', 'b -x', 'b 0', 'c 0', 'c 1\nend'];

  describe('several topics in one stream', () => {
    test('gives all of each, each object with its topic first, one id for all, and live once', async () => {
      await using stream = await one().stream(path(c, a, b));
      expect(stream.headers).toMatchObject({ 'content-type': 'text/event-stream' });
      const there = await untilLive(stream);
      expect(there.slice(0, -1).sort()).toEqual(THERE);
      expect(there.indexOf('c 0')).toBeLessThan(there.indexOf('c 1\nend'));
      for (const { data } of stream.events.slice(0, -1)) {
        expect(data).toMatch(/^\{"topic":"test-[^"]+","partition":[01],"offset":/);
      }
      expect(stream.events.at(-1)!.id).toBe(idOf([a, 1, 1], [b, 3], [c, 2]));
      expect(stream.events.at(-1)!.time).not.toBeNull();
      await a.produce({ value: '2' });
      await stream.untilEvents(there.length + 1);
      await c.produce({ value: '2' });
      await stream.untilEvents(there.length + 2);
      expect(come(stream).slice(there.length)).toEqual(['a 2', 'c 2']);
      expect(stream.events.at(-1)!.id).toBe(idOf([a, 2, 1], [b, 3], [c, 3]));
      expect(stream.blocks.filter(({ kind }) => kind === 'retry')).toHaveLength(1);
    });

    test('goes on from every id, on both gateways: nothing lost, nothing twice', async () => {
      await using witness = await one().stream(path(a, b, c));
      const before = await untilLive(witness);
      await a.produce({ value: '3', partition: 1 });
      await b.produce({ key: 'y', value: '1' });
      await c.produce({ value: '3' });
      await witness.untilEvents(before.length + 3);
      const came = come(witness);
      await using streams = new StreamGroup();
      for (const gateway of [one(), other()]) {
        for (const [n, { id }] of witness.events.entries()) {
          const headers = { 'last-event-id': id };
          const stream = streams.add(await gateway.stream(path(c, b, a), { headers }));
          const since = came.slice(n + 1).filter((text) => text !== 'live');
          expect([n, (await untilLive(stream)).sort()]).toEqual([n, [...since, 'live'].sort()]);
        }
      }
    });

    test('takes the id of one of them for that one, and any other for unreadable', async () => {
      await using streams = new StreamGroup();
      const open = async (id: string, ...topics: readonly Topic[]): Promise<string[]> => {
        const stream = await one().stream(path(...topics), { headers: { 'last-event-id': id } });
        return (await untilLive(streams.add(stream))).slice(0, -1).sort();
      };
      const ofA = ['a 0', 'a 1', 'a 2', 'a 3'];
      const ofC = ['c 0', 'c 1\nend', 'c 2', 'c 3'];
      expect(await open(a.cursor(2, 1), a, c)).toEqual(['a 3', ...ofC]);
      const gaps = ['a gap unreadable-cursor', 'c gap unreadable-cursor'];
      const ofNobody = base64url(Buffer.from('02dddddddd020002', 'hex'));
      for (const id of ['AQIAAg==', ofNobody, 'stray']) {
        expect([id, await open(id, a, c)]).toEqual([id, [...gaps, ...ofA, ...ofC].sort()]);
      }
      // One that it does not name comes from its beginning, one that the stream has not is dropped.
      expect(await open(idOf([a, 2, 1], [b, 3]), a, c)).toEqual(['a 3', ...ofC]);
    });

    test('is of use to a stream of one topic, by what its id says of that one', async () => {
      const id = idOf([a, 2, 1], [b, 3]);
      const [block] = await one().blocks(`/${a.name}`, id, 1);
      expect(block).toBe(`data:3\nid:${a.cursor(2, 2)}\n\n`);
      await using fresh = await one().stream(`/${c.name}`, { headers: { 'last-event-id': id } });
      await fresh.untilEvents(4);
      expect(fresh.events.map(({ data }) => data)).toEqual(['0', '1\nend', '2', '3']);
    });

    test('is refused where it cannot be: unknown, in text, twice the same, alone', async () => {
      const status = async (target: string): Promise<string> => {
        const answer = await curl('-I', `${one().http}${target}`);
        return `${answer.status}`;
      };
      const json = '?format=json';
      expect(await status(`/${a.name},${c.name}${json}`)).toBe('200');
      expect(await status(`/${a.name}%2C${c.name}${json}`)).toBe('200');
      expect(await status(`/${a.name},nobody${json}`)).toBe('404');
      expect(await status(`/${a.name},${json}`)).toBe('404');
      expect(await status(`/,${json}`)).toBe('404');
      expect(await status(`/${a.name},${c.name}/${json}`)).toBe('404');
      expect(await status(`/${a.name},${a.name}${json}`)).toBe('400');
      expect(await status(`/${Array(40).fill(a.name).join()}${json}`)).toBe('400');
      expect(await status(`/${a.name},${c.name}`)).toBe('400');
      expect(await status(`/${a.name},${c.name}?format=text`)).toBe('400');
      expect(await status(`/${a.name},${c.name}${json}&since=tomorrow`)).toBe('400');
    });

    test('filters, begins at a time or before the ends, and ends, for all of them', async () => {
      await using streams = new StreamGroup();
      const all = async (query: string, ...of: readonly Topic[]): Promise<string[]> => {
        const topics = of.length > 0 ? of : [a, b, c];
        const stream = streams.add(await one().stream(`${path(...topics)}&until=live&${query}`));
        await within('the stream to end', stream.over);
        return come(stream).sort();
      };
      expect(await all('key=1&key=k')).toEqual(['a 0', 'b 0', 'live']);
      const ofA = encodeURIComponent(`topic == "${a.name}" && offset > 0`);
      expect(await all(`where=${ofA}`, a, c)).toEqual(['a 2', 'a 3', 'live']);
      expect(await all('since=-1')).toEqual(['a 2', 'a 3', 'b 1', 'c 3', 'live']);
      expect(await all('since=latest')).toEqual(['live']);
      expect(await all('since=2100-01-01T00:00:00Z')).toEqual(['live']);
    });

    test('is one document, of one piece, that is the same until something has come', async () => {
      const ask = (...args: readonly string[]) =>
        curl('-H', 'accept: application/json', ...args, `${one().http}${path(a, b, c)}&until=live`);
      const answer = await ask();
      expect(answer.headers.get('content-type')).toBe('application/json');
      const { records, id, gaps } = JSON.parse(answer.body.toString()) as {
        records: readonly { topic: string; value: string | null }[];
        id: string;
        gaps?: unknown;
      };
      expect(records).toHaveLength(11);
      expect(records.every(({ topic }) => [a.name, b.name, c.name].includes(topic))).toBe(true);
      expect([id.replace(/\/.*/, ''), gaps]).toEqual([idOf([a, 2, 2], [b, 4], [c, 4]), undefined]);
      const etag = answer.headers.get('etag')!;
      expect((await ask('-H', `if-none-match: ${etag}`)).status).toBe(304);
      const late = await ask('-H', 'last-event-id: stray');
      expect(JSON.parse(late.body.toString())).toMatchObject({
        gaps: [a, b, c].map((topic) => ({ reason: 'unreadable-cursor', topic: topic.name })),
      });
    });

    test('is one connection, and stands in the metrics of each topic', async () => {
      const before = await Scrape.of(one());
      await using stream = await one().stream(`${path(a, c)}&since=latest`);
      await untilLive(stream);
      const during = await Scrape.of(one());
      const of = (scrape: Scrape, metric: string, topic: Topic): number =>
        scrape.value(metric, { topic: topic.name });
      for (const [topic, more] of [
        [a, 1],
        [b, 0],
        [c, 1],
      ] as const) {
        const connections = 'sse_kafka_connections_total';
        expect(of(during, connections, topic) - of(before, connections, topic)).toBe(more);
      }
      await a.produce({ value: 'x'.repeat(1000) });
      await stream.until('it', () => stream.bytes.length > 1000);
      const after = await Scrape.of(one());
      const bytes = (topic: Topic): number =>
        of(after, 'sse_kafka_bytes_sent_total', topic) -
        of(during, 'sse_kafka_bytes_sent_total', topic);
      expect([bytes(a) > 1000, bytes(c)]).toEqual([true, 0]);
      const label = after.series('sse_kafka_connections').map(({ labels }) => labels['topic']);
      expect(label.toSorted()).toEqual([a.name, b.name, c.name].toSorted());
    });
  });

  describe('several topics and rights', () => {
    let orders!: Topic;
    let prices!: Topic;
    let hidden!: Topic;
    const signed = shared(async () => {
      const first = newName();
      orders = await kafka.createTopic({ name: `${first}-orders`, compacted: true });
      prices = await kafka.createTopic({ name: `${first}-prices`, partitions: 2 });
      hidden = await kafka.createTopic({ name: `${first}-hidden` });
      for (const [key, size] of [
        ['alice', 1],
        ['bob', 2],
        ['alice', 3],
      ] as const) {
        const value = JSON.stringify({ customer: key, size });
        await orders.produce({ key: `${key}${size}`, value });
        await prices.produce({ key, value: `${size}`, partition: size % 2 });
      }
      await hidden.produce({ key: 'alice', value: 'a' }, { key: 'bob', value: 'b' });
      const folder = mkdtempSync(join(process.env['TEST_FOLDER'] ?? tmpdir(), 'streams-'));
      const STREAMS_FILE = join(folder, 'streams.yaml');
      writeFileSync(
        STREAMS_FILE,
        `
topics:
  ${orders.name}: { value: json, keys: open, require: '"orders" in scopes' }
  ${prices.name}: { require: "true", where: 'key != "bob"' }
  ${hidden.name}: { path: false }
streams:
  "/all/{id}":
    topics: [${hidden.name}, ${orders.name}]
    keys: open
    require: claims.sub == params.id
    where: key == params.id || (topic == "${orders.name}" && value.customer == claims.sub)
`,
      );
      const env = { ...issuer.env, STREAMS_FILE, ADMIN_TOKEN_FILE: '' };
      return Gateway.startReady(runtime, { env });
    });
    const as = async (claims: object): Promise<Record<string, string>> => ({
      authorization: `Bearer ${await issuer.token(claims)}`,
    });
    const ALICE = { sub: 'alice', scope: 'orders' };

    test('lets in whoever has the right to each of them, and nobody else', async () => {
      const gateway = signed();
      const statusOf = async (target: string, claims: object): Promise<number> => {
        const { authorization } = await as(claims);
        return (await curl('-I', '-H', `authorization: ${authorization}`, gateway.http + target))
          .status;
      };
      expect(await statusOf(path(orders, prices), ALICE)).toBe(200);
      expect(await statusOf(path(orders, prices), { sub: 'alice' })).toBe(403);
      expect(await statusOf(path(prices, orders), { sub: 'alice' })).toBe(403);
      expect(await statusOf(path(prices), { sub: 'alice' })).toBe(200);
      // What has no path of its own is not there, whatever else is asked for.
      expect(await statusOf(path(prices, hidden), ALICE)).toBe(404);
      expect(await statusOf('/all/alice?format=json', ALICE)).toBe(200);
      expect(await statusOf('/all/alice?format=json', { sub: 'bob' })).toBe(403);
      expect(await statusOf('/all/alice', ALICE)).toBe(400);
      const { authorization } = await as({ sub: 'alice' });
      const refused = await curl(
        ...['-H', `authorization: ${authorization}`, '-H', 'accept: text/event-stream'],
        gateway.http + path(orders, prices),
      );
      expect(`${refused.body}`).toMatch(/event:unauthorized\ndata:\{"reason":"forbidden"\}\n\n$/);
    });

    test('shows of each topic what its own filter lets through, from every id on', async () => {
      const gateway = signed();
      const headers = await as(ALICE);
      for (const [target, expected] of [
        [
          path(prices, orders),
          ['alice1', 'bob2', 'alice3']
            .map((key) => `orders ${key}`)
            .concat('prices alice', 'prices alice'),
        ],
        ['/all/alice?format=json', ['hidden alice', 'orders alice1', 'orders alice3']],
      ] as const) {
        const open = async (id?: string): Promise<SseStream> => {
          const more = id === undefined ? {} : { 'last-event-id': id };
          const stream = await gateway.stream(target, { headers: { ...headers, ...more } });
          await untilLive(stream);
          return stream;
        };
        await using stream = await open();
        const { events } = stream;
        expect([target, keysOf(events)]).toEqual([target, expected.toSorted()]);
        for (const [n, { id }] of events.entries()) {
          await using again = await open(id);
          const rest = keysOf(events.slice(n + 1));
          expect([target, n, keysOf(again.events)]).toEqual([target, n, rest]);
        }
      }
    });
  });

  describe('several topics, one of which is not there', () => {
    test('holds only itself back, comes from its beginning, and is made anew alone', async () => {
      const here = await kafka.createTopic({ name: `${newName()}-here` });
      const later = `${newName()}-later`;
      await here.produce({ value: '0' });
      await using gateway = await Gateway.start(runtime, { topics: [here.name, later] });
      await using stream = await gateway.stream(`/${here.name},${later}?format=json`);
      await stream.untilEvents(1);
      expect([come(stream), stream.events[0]!.id]).toEqual([['here 0'], idOf([here, 1])]);
      await using topic = Object.assign(await kafka.createTopic({ name: later }), {
        [Symbol.asyncDispose]: () => kafka.deleteTopic(later),
      });
      await topic.produce({ value: '0' });
      const there = await untilLive(stream);
      expect(there.slice(1, -1)).toEqual(['later 0']);
      await kafka.deleteTopic(later);
      const anew = await kafka.createTopic({ name: later });
      await anew.produce({ value: 'other' });
      await untilLive(stream, 2);
      const [gap, ...rest] = (await stream.untilEvents(6)).slice(3).map(told);
      expect(gap).toBe(`${later} gap recreated`);
      // It may have been seen before there was something in it.
      expect(rest.toSorted()).toEqual(['live', `${later} other`]);
      expect(stream.events.at(-1)!.id).toBe(idOf([here, 1], [anew, 1]));
    });
  });
});
