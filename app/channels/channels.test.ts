import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Feed } from '../feed/feed.ts';
import type { Filter } from '../views/filter.ts';
import { Channels } from './channels.ts';

/** What became of the feeds, in order. */
let told: string[];
let missing: Map<string, string>;
/** What each feed is to know of what its channels let through. */
let kept: Map<string, readonly Filter[]>;
let channels: Channels;
let end: AbortController;

function createFeed(topic: string): Feed {
  told.push(`create ${topic}`);
  const feed = {
    topic,
    get missing() {
      return missing.get(topic) ?? null;
    },
    keepGuards(guards: readonly Filter[]) {
      kept.set(topic, guards);
    },
    async run(signal: AbortSignal) {
      told.push(`read ${topic}`);
      if (!signal.aborted)
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      told.push(`end ${topic}`);
    },
  };
  return feed as unknown as Feed;
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

beforeEach(() => {
  told = [];
  missing = new Map();
  kept = new Map();
  end = new AbortController();
  channels = new Channels(createFeed);
});
afterEach(() => end.abort());

describe('Channels', () => {
  test('Channels.find() decodes the path of a request once', () => {
    const channel = channels.add({ path: '/a b', topic: 't' });
    expect(channels.find('/a%20b')).toEqual({ value: channel, params: {} });
    expect(channels.find('/a%2520b')).toBeNull();
    expect(channels.find('/%ff')).toBeNull();
    expect([...channels]).toEqual([channel]);
  });

  test('Channels.add() refuses a path that is taken', () => {
    channels.add({ path: '/a', topic: 't' });
    expect(() => channels.add({ path: '/a', topic: 'u' })).toThrow('/a is served already');
    expect(channels.feeds.map(({ topic }) => topic)).toEqual(['t']);
  });

  test('Channels.replace() reads a topic anew whose values are something else now', async () => {
    const plain = { path: '/a', topic: 't', value: 'bytes' } as const;
    const stream = { path: '/b', topic: 't', value: 'bytes' } as const;
    const other = { path: '/c', topic: 'u', value: 'bytes' } as const;
    channels.replace([plain, stream, other]);
    void channels.run(end.signal);
    const before = [...channels];
    told = [];
    channels.replace([{ ...plain, value: 'json' }, { ...stream, value: 'json' }, other]);
    await settled();
    expect(told).toEqual(['create t', 'read t', 'end t']);
    const after = [...channels];
    expect(before.map(({ signal }) => signal.aborted)).toEqual([true, true, false]);
    expect(after.map(({ path }) => path).toSorted()).toEqual(['/a', '/b', '/c']);
    expect(channels.find('/a')!.value.parts[0]!.feed).toBe(
      channels.find('/b')!.value.parts[0]!.feed,
    );
    expect(channels.find('/a')!.value.parts[0]!.feed).not.toBe(before[0]!.parts[0]!.feed);
    expect(channels.feeds).toHaveLength(2);
  });

  test('Channels.replace() tells feeds what is to be known of what they let through, and since when', async () => {
    const of = (path: string, where: string | null) => ({ path, topic: 't', where });
    const mine = of('/mine', 'headers.owner == claims.sub && value.size > 2');
    const other = of('/other', 'value.team in claims.teams');
    const ofKey = of('/key', 'key == claims.sub');
    const perClient = of('/client', 'value.size > claims.least');
    const open = { ...of('/open', 'value.open'), hasOpenKeys: true };
    channels.replace([mine, other, ofKey, perClient, open]);
    void channels.run(end.signal);
    const shapes = (): string[] => kept.get('t')!.map(({ shape }) => shape);
    expect(kept.get('t')!.map(({ equalities }) => equalities.map(({ field }) => field))).toEqual([
      ['header:owner'],
      ['value:team'],
    ]);
    const before = shapes();
    const since = (path: string): number => channels.find(path)!.value.parts[0]!.whereSince;
    expect(['/mine', '/other'].map(since)).toEqual([0, 0]);
    // What it lets through is the same, though its streams end.
    channels.replace([{ ...mine, every: 500 }, of('/other', 'headers.owner == "all"')]);
    expect(shapes()).toEqual([before[0]!, expect.stringContaining('header:owner')]);
    expect([since('/mine'), since('/other') > 0]).toEqual([0, true]);
  });

  test('Channels.run() reads each topic once, until the signal aborts', async () => {
    channels.add({ path: '/a', topic: 't' });
    channels.add({ path: '/b', topic: 't' });
    expect(channels.find('/a')!.value.parts[0]!.feed).toBe(
      channels.find('/b')!.value.parts[0]!.feed,
    );
    expect(told).toEqual(['create t']);
    const ended = channels.run(end.signal);
    expect(told).toEqual(['create t', 'read t']);
    end.abort();
    await ended;
    expect(told).toEqual(['create t', 'read t', 'end t']);
  });

  test('Channels.run() reads a topic that comes, until the signal aborts', async () => {
    const ended = channels.run(end.signal);
    channels.add({ path: '/a', topic: 't' });
    expect(told).toEqual(['create t', 'read t']);
    end.abort();
    await ended;
    expect(told.at(-1)).toBe('end t');
  });

  test('Channels.drop() ends the reading of a topic with its last channel, and no other', async () => {
    const [a, b] = ['/a', '/b'].map((path) => channels.add({ path, topic: 't' }));
    const other = channels.add({ path: '/c', topic: 'u' });
    void channels.run(end.signal);
    channels.drop('/a');
    await settled();
    expect([a, b, other].map((channel) => channel!.signal.aborted)).toEqual([true, false, false]);
    expect(told).not.toContain('end t');
    channels.drop('/b');
    await settled();
    expect([b, other].map((channel) => channel!.signal.aborted)).toEqual([true, false]);
    expect(told.slice(-1)).toEqual(['end t']);
    expect([channels.find('/b'), channels.feeds.length]).toEqual([null, 1]);
    channels.drop('/b');
  });

  test('Channels.add() makes a topic that has gone anew', async () => {
    channels.add({ path: '/a', topic: 't' });
    void channels.run(end.signal);
    channels.drop('/a');
    channels.add({ path: '/a', topic: 't' });
    await settled();
    expect(told).toEqual(['create t', 'read t', 'create t', 'read t', 'end t']);
  });

  test('Channels.replace() leaves what is the same alone, and its topic with it', async () => {
    channels.add({ path: '/a', topic: 't' });
    channels.add({ path: '/b', topic: 't', require: 'true' });
    channels.add({ path: '/c', topic: 'u' });
    void channels.run(end.signal);
    const [a, b, c] = ['/a', '/b', '/c'].map((path) => channels.find(path)!.value);
    channels.replace([
      { path: '/a', topic: 't' },
      { path: '/b', topic: 't', require: 'topic == "t"' },
      { path: '/d', topic: 'v' },
    ]);
    await settled();
    expect(channels.find('/a')!.value).toBe(a);
    expect([a, b, c].map((channel) => channel!.signal.aborted)).toEqual([false, true, true]);
    expect(channels.find('/b')!.value.parts[0]!.right!.text).toBe('topic == "t"');
    expect(channels.find('/c')).toBeNull();
    // The topic of what was changed is read on.
    expect(told).toEqual([
      ...['create t', 'create u', 'read t', 'read u', 'create v', 'read v', 'end u'],
    ]);
  });

  test('Channels.find() gives a stream before a topic, with its parameters', () => {
    channels.add({ path: '/a', topic: 'a' });
    const segments = [{ parameter: 'id' }];
    channels.add({ path: '/{id}', segments, topic: 't', isStream: true });
    expect(channels.find('/a')).toMatchObject({ value: { topic: 't' }, params: { id: 'a' } });
  });

  test('Channels.find() leaves to the gateway what lies below /-/', () => {
    const segments = [{ parameter: 'a' }, { parameter: 'b' }];
    channels.add({ path: '/{a}/{b}', topic: 't', segments, isStream: true });
    for (const path of ['/-/topics', '/%2d/topics', '/-/']) expect(channels.find(path)).toBeNull();
    expect(channels.find('/-a/topics')).not.toBeNull();
  });

  test('Channels.findSeveral() finds topics that have a path of their own, in order of their names', () => {
    for (const topic of ['b', 'a', 'c']) channels.add({ path: `/${topic}`, topic });
    channels.add({ path: '/s', topic: 'c', isStream: true });
    const { value } = channels.findSeveral('/b,a')!;
    expect(value.parts.map(({ topic }) => topic)).toEqual(['a', 'b']);
    expect([value.path, value.topic, value.signal.aborted]).toEqual(['/b,a', 'b,a', false]);
    expect(channels.findSeveral('/%62%2Ca')!.value.parts).toEqual(value.parts);
    for (const path of ['/a', '/a,', '/a,d', '/a,s', '/a,b/', '/-/a,b', '/%ff,a']) {
      expect([path, channels.findSeveral(path)]).toEqual([path, null]);
    }
    channels.drop('/a');
    expect([value.signal.aborted, channels.findSeveral('/a,b')]).toEqual([true, null]);
  });

  test('Channels.replace() reads the topics of a stream of several for as long as it is there', async () => {
    const all = { path: '/all', topic: 'b,a', topics: [{ topic: 'b' }, { topic: 'a' }] };
    const [plain, stream] = [
      { path: '/a', topic: 'a' },
      { ...all, isStream: true },
    ];
    channels.replace([plain, stream]);
    void channels.run(end.signal);
    const [served] = [...channels].slice(1);
    expect(served!.parts.map(({ topic }) => topic)).toEqual(['a', 'b']);
    channels.replace([plain, stream]);
    expect(channels.find('/all')!.value).toBe(served);
    channels.replace([plain]);
    await settled();
    expect([served!.signal.aborted, channels.feeds.map(({ topic }) => topic)]).toEqual([
      true,
      ['a'],
    ]);
    expect(told.filter((what) => what.startsWith('end'))).toEqual(['end b']);
  });

  test('Channels.missing tells of the topics of the start alone', () => {
    missing.set('t', 't is not known yet').set('u', 'u is not known yet');
    channels.add({ path: '/a', topic: 't' });
    void channels.run(end.signal);
    channels.add({ path: '/b', topic: 'u' });
    expect(channels.missing).toEqual(['t is not known yet']);
    channels.drop('/a');
    expect(channels.missing).toEqual([]);
  });
});
