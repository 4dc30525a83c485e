import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { curl } from '../support/curl.ts';
import { Issuer } from '../support/issuer.ts';
import type { NewRecord } from '../support/kafka.ts';
import { onEachRuntime } from '../support/runtime.ts';
import type { SseStream } from '../support/sse_stream.ts';
import { Gateway, kafka } from './face.ts';

let issuer: Issuer;
beforeAll(async () => {
  issuer = await Issuer.start();
});
afterAll(() => issuer[Symbol.asyncDispose]());

const FOLDER = process.env['TEST_FOLDER'] ?? tmpdir();

/** A topic of rows that belong to somebody, and a gateway that shows to each what is theirs. */
class Rows implements AsyncDisposable {
  readonly topic: Awaited<ReturnType<typeof kafka.createTopic>>;
  readonly gateway: Gateway;

  constructor(topic: Rows['topic'], gateway: Gateway) {
    this.topic = topic;
    this.gateway = gateway;
  }

  async open(sub: string, query = '', path = '/mine'): Promise<SseStream> {
    const headers = { authorization: `Bearer ${await issuer.token({ sub })}` };
    return this.gateway.stream(`${path}?format=json${query}`, { headers });
  }

  async document(sub: string, query = ''): Promise<Record<string, unknown>> {
    const token = `Authorization: Bearer ${await issuer.token({ sub })}`;
    const head = ['-H', 'Accept: application/json', '-H', token];
    const { body } = await curl(...head, `${this.gateway.http}/mine?until=live${query}`);
    return JSON.parse(String(body));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.gateway[Symbol.asyncDispose]();
  }
}

/** A row of somebody; `null` for a delete that says no more whose it was. */
function row(key: string, owner: string | null, size = 1): NewRecord {
  return owner === null
    ? { key, value: null }
    : { key, value: JSON.stringify({ of: { owner }, size }) };
}

/** What came of rows, as far as it came: the event and the key. */
function shown({ events }: SseStream): string[] {
  return events
    .filter(({ event }) => event !== 'live')
    .map(({ event, data }) => {
      const { key, reason } = JSON.parse(data);
      return `${event} ${key ?? reason}`;
    });
}

/** An id of that time, from an offset on. */
function idOf({ topic }: Rows, next: number, time: number): string {
  return `&lastEventId=${encodeURIComponent(`${topic.cursor(next)}/~${time.toString(36)}`)}`;
}

const now = (): number => Math.floor(Date.now() / 1000);
/** Later than 10 s after any gateway of this test began. */
const KNOWN_S = 60;

onEachRuntime((runtime) => {
  const start = async (
    where: string,
    rows: readonly NewRecord[],
    env: Readonly<Record<string, string>> = {},
  ): Promise<Rows> => {
    const topic = await kafka.createTopic({ compacted: true });
    await topic.produce(...rows);
    const STREAMS_FILE = join(mkdtempSync(join(FOLDER, 'leave-')), 'streams.yaml');
    const stream = `{ topic: ${topic.name}, require: "true", where: '${where}' }`;
    const text = `topics: { ${topic.name}: { value: json, path: false } }\nstreams:\n`;
    writeFileSync(STREAMS_FILE, `${text}  /mine: ${stream}\n  "/least/{size}": ${stream}\n`);
    const settings = { env: { ...issuer.env, STREAMS_FILE, ...env } };
    return new Rows(topic, await Gateway.startReady(runtime, settings));
  };
  const OWNER = 'value.of.owner == claims.sub';

  describe('leave of a stream of the streams file', () => {
    test('is told to whoever was let through to the key, and to nobody else', async () => {
      await using rows = await start(OWNER, [
        row('a', 'alice'),
        row('b', 'bob'),
        row('c', 'alice'),
      ]);
      await using alice = await rows.open('alice');
      await using big = await rows.open('alice', '&where=value.size%20%3E%205');
      await using paced = await rows.open('alice', '&every=300');
      await using bob = await rows.open('bob');
      for (const one of [alice, big, paced, bob])
        await one.until('live', () => one.events.some(({ event }) => event === 'live'));
      const has = (one: SseStream, key: string) => (): boolean =>
        shown(one).includes(`message ${key}`);
      await rows.topic.produce(row('d', 'carol'), row('e', 'alice', 9));
      for (const one of [alice, big, paced]) await one.until('e', has(one, 'e'));
      await rows.topic.produce(
        row('a', 'bob'),
        row('b', 'carol'),
        row('b', 'dave'),
        row('a', 'carol'),
        row('d', null),
        row('c', null),
        row('e', 'bob'),
        row('never', 'alice'),
        row('never', 'carol'),
        row('end', 'alice', 9),
        row('end of bob', 'bob'),
      );
      for (const one of [alice, big, paced]) await one.until('the end', has(one, 'end'));
      await bob.until('the end', has(bob, 'end of bob'));
      /** Of which keys it heard, but for one that came in and went out at once: that may be seen or not. */
      const keysOf = (one: SseStream, but: string): string[] => {
        const keys = new Set(shown(one).map((line) => line.replace(/^\S+ /, '')));
        keys.delete(but);
        return [...keys].toSorted();
      };
      expect(keysOf(alice, 'never')).toEqual(['a', 'c', 'e', 'end']);
      expect(keysOf(paced, 'never')).toEqual(['a', 'c', 'e', 'end']);
      expect(keysOf(bob, 'a')).toEqual(['b', 'e', 'end of bob']);
      const last = (one: SseStream, key: string): string | undefined =>
        shown(one)
          .filter((line) => line.endsWith(` ${key}`))
          .at(-1);
      for (const one of [alice, paced]) {
        expect(last(one, 'a')).toBe('leave a');
        expect(last(one, 'c')).toBe('delete c');
        expect(last(one, 'e')).toBe('leave e');
      }
      expect([last(bob, 'b'), last(bob, 'e')]).toEqual(['leave b', 'message e']);
      expect(shown(big)).toEqual(['message e', 'leave e', 'message end']);
    });

    test('is told to whoever comes back to a gateway that knows, of its own keys alone', async () => {
      const rest = [row('a', 'bob'), row('b', 'carol'), row('c', 'alice'), row('c', 'bob')];
      await using rows = await start(OWNER, [row('a', 'alice'), row('b', 'bob')]);
      await rows.topic.produce(...rest, row('d', null), row('end', 'alice'));
      // The gateway has read all of it.
      await using live = await rows.open('alice');
      await live.until('the end', () => shown(live).includes('message end'));
      const back = idOf(rows, 2, now() + KNOWN_S);
      const { records, gaps } = await rows.document('alice', back);
      expect(gaps).toBeUndefined();
      const told = records as { key: string; value?: unknown }[];
      expect(told.map(({ key, ...one }) => [key, 'value' in one])).toEqual([
        ['a', false],
        ['c', false],
        ['end', true],
      ]);
    });

    test('is a gap where a gateway does not know it, and what comes then is whole', async () => {
      await using rows = await start(OWNER, [
        row('a', 'alice'),
        row('b', 'alice'),
        row('a', 'bob'),
      ]);
      const early = now() - 5;
      // Nothing was written since: nothing can have left.
      await using same = await rows.open('alice', idOf(rows, 3, early));
      await same.until('live', () => same.events.length > 0);
      expect(shown(same)).toEqual([]);
      await using stream = await rows.open('alice', idOf(rows, 2, early));
      await stream.until('live', () => stream.events.at(-1)?.event === 'live');
      expect(shown(stream)).toEqual(['gap view', 'message b']);
      const [gap] = stream.events;
      expect(JSON.parse(gap!.data)).toEqual({
        reason: 'view',
        topic: rows.topic.name,
        partitions: [{ partition: 0, from: 2, to: 0 }],
      });
      // What is told to who is there, whether it came with a gap or not.
      await rows.topic.produce(row('b', 'bob'));
      await stream.until('the leave', () => shown(stream).includes('leave b'));
      await same.until('the leave', () => shown(same).includes('leave b'));
      const { gaps } = await rows.document('alice', idOf(rows, 2, early));
      expect(gaps).toMatchObject([{ reason: 'view' }]);
    });

    test('has ids of the time of its replay until all is there, of now from then on', async () => {
      const many = Array.from({ length: 50 }, (_, n) => row(`k${n}`, 'alice'));
      await using rows = await start(OWNER, many);
      await using fresh = await rows.open('alice');
      await fresh.until('live', () => fresh.events.at(-1)?.event === 'live');
      const times = fresh.events.slice(0, -1).map(({ time }) => time!);
      expect(new Set(times).size).toBe(1);
      // A client that goes on has the time that it came with until then.
      await rows.topic.produce(row('k1', 'bob'), row('k2', 'alice'));
      const came = now() + KNOWN_S;
      await using back = await rows.open('alice', idOf(rows, 50, came));
      await back.until('live', () => back.events.some(({ event }) => event === 'live'));
      expect(shown(back)).toEqual(['leave k1', 'message k2']);
      for (const { time } of back.events) expect(time).toBeLessThanOrEqual(now());
    });

    test('is told of filters that differ in more than constants while somebody has them', async () => {
      const where = `${OWNER} && (size(claims.sub) > 9 || value.size > 2)`;
      await using rows = await start(where, [row('a', 'alice', 3), row('b', 'bob', 3)]);
      await using alice = await rows.open('alice');
      await alice.until('live', () => alice.events.at(-1)?.event === 'live');
      await rows.topic.produce(
        row('a', 'alice', 1),
        row('b', 'bob', 1),
        row('c', 'alice', 1),
        row('end', 'alice', 3),
      );
      await alice.until('the end', () => shown(alice).includes('message end'));
      expect(shown(alice)).toEqual(['message a', 'leave a', 'message end']);
    });
  });
});
