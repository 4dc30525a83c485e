import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import type { EndReason } from '../ports/stream_observer.ts';
import { ClientList } from './client_list.ts';
import { type OpenStream, OpenStreams } from './open_streams.ts';
import { CountedSlots } from './stream_slots.ts';

const TIMES = { heartbeatSeconds: 0, maxAgeSeconds: 0, stallSeconds: 0 };
const ALL = { topic: null, sub: null, behind: 0 };
const NOW = Date.UTC(2026, 0, 2);

const CONNECTION = {
  address: '192.0.2.1',
  pendingBytes: 0,
  measureProgress: () => 0,
  letGo: () => {},
  cut: () => {},
};

beforeEach(() => {
  jest.useFakeTimers({ now: NOW, doNotFake: ['setTimeout'] });
});
afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

function openStreams() {
  const ended: string[] = [];
  const slots = new CountedSlots({ maxConnections: 0, maxConnectionsPerIp: 0 });
  const streams = new OpenStreams(TIMES, slots, {
    opened: () => {},
    closed: (topic, reason) => ended.push(`${topic} ${reason}`),
    refused: () => {},
  });
  const open = (
    topic: string,
    sub: string | null = null,
    behind: number | null = 0,
  ): OpenStream => {
    const stream = {
      channel: { topic, parts: [{ topic }], signal: new AbortController().signal },
      address: '192.0.2.1',
      userAgent: null,
      events: 3,
      bytes: 40,
      behind,
      lastSent: 0,
      isAgeing: false,
      beat: () => {},
      end: (reason: EndReason) => streams.delete(stream, reason),
    };
    streams.add(stream, CONNECTION, { path: `/${topic}`, sub, expiresAt: null });
    return stream;
  };
  return { list: new ClientList(streams), streams, open, ended };
}

/** Each call of the clock is so much later: portions become small. */
function slowClock(): void {
  let now = 0;
  jest.spyOn(performance, 'now').mockImplementation(() => ++now);
}

async function listed(
  list: ClientList,
  filter: Parameters<ClientList['list']>[0] = ALL,
): Promise<Record<string, unknown>[]> {
  let text = '';
  for await (const lines of list.list(filter)) text += lines;
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line));
}

describe('ClientList', () => {
  test('ClientList.list() tells of each stream, a line each', async () => {
    const { list, open } = openStreams();
    expect(await listed(list)).toEqual([]);
    open('a', 'anna', 7);
    const [told, ...more] = await listed(list);
    expect(more).toEqual([]);
    expect(told).toEqual({
      id: expect.stringMatching(/^[0-9a-f]{8}-0$/),
      topic: 'a',
      path: '/a',
      address: '192.0.2.1',
      sub: 'anna',
      since: '2026-01-02T00:00:00.000Z',
      events: 3,
      bytes: 40,
      behind: 7,
    });
  });

  test('ClientList.list() takes those to which all of the filter applies', async () => {
    const { list, open } = openStreams();
    open('a', 'anna', 5);
    open('a', null, null);
    open('b', 'anna', 4);
    const count = async (filter: Partial<typeof ALL> | object): Promise<number> =>
      (await listed(list, { ...ALL, ...filter })).length;
    expect(await count({})).toBe(3);
    expect(await count({ topic: 'a' })).toBe(2);
    expect(await count({ sub: 'anna' })).toBe(2);
    expect(await count({ behind: 4 })).toBe(2);
    expect(await count({ behind: 5 })).toBe(1);
    expect(await count({ sub: 'anna', topic: 'b', behind: 5 })).toBe(0);
    expect(await count({ sub: 'ann' })).toBe(0);
  });

  test('ClientList.list() gives other work its turn, and leaves out who has gone meanwhile', async () => {
    const { list, open, streams } = openStreams();
    const opened = Array.from({ length: 100 }, () => open('a'));
    slowClock();
    const got: number[] = [];
    let turns = 0;
    setTimeout(() => turns++, 0);
    for await (const lines of list.list(ALL)) {
      got.push(lines.trim().split('\n').length);
      if (got.length === 1) {
        streams.delete(opened[99]!, 'client');
        open('a');
      }
    }
    expect(got.length).toBeGreaterThan(20);
    expect(got.reduce((sum, lines) => sum + lines)).toBe(99);
    expect(turns).toBe(1);
  });

  test('ClientList.end() ends all of a sub, or the one of an id', async () => {
    const { list, open, ended } = openStreams();
    open('a', 'anna');
    open('b', 'anna');
    open('c', 'otto');
    open('d');
    const [{ id }] = (await listed(list, { ...ALL, topic: 'd' })) as [{ id: string }];
    slowClock();
    expect(await list.end({ sub: 'anna' })).toBe(2);
    expect(ended).toEqual(['a kicked', 'b kicked']);
    expect(await list.end({ id: 'null' })).toBe(0);
    expect(await list.end({ id })).toBe(1);
    expect(await list.end({ id })).toBe(0);
    expect(ended.at(-1)).toBe('d kicked');
    expect(await listed(list)).toHaveLength(1);
  });
});
