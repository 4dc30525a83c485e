import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { Logged } from '../../test/support/logged.ts';
import { OpenStreams } from './open_streams.ts';
import { CountedSlots } from './stream_slots.ts';

const HOUR_MS = 3_600_000;
const OFF = { heartbeatSeconds: 0, maxAgeSeconds: 0, stallSeconds: 0 };
const ADDRESS = '192.0.2.1';

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
});
afterEach(() => {
  jest.useRealTimers();
});

function openStreams(times: Partial<typeof OFF> = {}, maxConnections = 1) {
  const told: string[] = [];
  const slots = new CountedSlots({ maxConnections, maxConnectionsPerIp: 0 });
  const streams = new OpenStreams({ ...OFF, ...times }, slots, {
    opened: (topic) => told.push(`opened ${topic}`),
    closed: (topic, reason) => told.push(`closed ${topic} ${reason}`),
    refused: (reason) => told.push(`refused ${reason}`),
  });
  return { streams, told };
}

/** Slots that somebody else grants, as the primary process does. */
function askedStreams() {
  const slots = {
    taken: 0,
    grant: () => {},
    take: () =>
      new Promise<null>((resolve) => {
        slots.grant = () => {
          slots.taken++;
          resolve(null);
        };
      }),
    release: () => {
      slots.taken--;
    },
  };
  const told: string[] = [];
  const streams = new OpenStreams(OFF, slots, {
    opened: () => {},
    closed: () => {},
    refused: (reason) => told.push(`refused ${reason}`),
  });
  return { slots, streams, told };
}

/** A stream that is open, with a client that takes what it is told to. */
function open(
  streams: OpenStreams,
  signal = new AbortController().signal,
  expiresAt: number | null = null,
) {
  const told: string[] = [];
  const connection = {
    address: ADDRESS,
    pendingBytes: 0,
    progress: 0,
    measureProgress: () => connection.progress,
    letGo: () => {},
    cut() {
      connection.pendingBytes = 0;
      told.push('cut');
    },
  };
  const stream = {
    channel: { topic: 't', parts: [{ topic: 't' }], signal },
    address: ADDRESS,
    userAgent: 'curl/8',
    events: 3,
    bytes: 40,
    behind: 0,
    lastSent: 0,
    isAgeing: false,
    beat(isIdle: boolean) {
      if (isIdle) stream.lastSent = streams.sweeps;
      told.push(isIdle ? 'beat' : 'place');
    },
    end(reason: Parameters<OpenStreams['delete']>[1]) {
      told.push(`end ${reason}`);
      streams.delete(stream, reason);
    },
  };
  streams.add(stream, connection, { path: '/t', sub: null, expiresAt });
  return { stream, connection, told };
}

describe('OpenStreams', () => {
  test('OpenStreams.admit() refuses who finds no slot, until one is given back', async () => {
    const { streams, told } = openStreams();
    expect(await streams.admit(ADDRESS)).toBeNull();
    const { stream } = open(streams);
    expect(await streams.admit(ADDRESS)).toBe('max_connections');
    streams.delete(stream, 'client');
    streams.delete(stream, 'client');
    expect(await streams.admit(ADDRESS)).toBeNull();
    expect(told).toEqual(['opened t', 'refused max_connections', 'closed t client']);
  });

  test('OpenStreams logs of a stream that ends what it was, at debug', () => {
    using logged = new Logged();
    const { streams } = openStreams();
    const { stream } = open(streams);
    jest.advanceTimersByTime(1500);
    streams.delete(stream, 'client');
    expect(logged.propertiesOf('A stream of {topic} is over: {reason}')).toEqual({
      topic: 't',
      reason: 'client',
      seconds: 1.5,
      events: 3,
      bytes: 40,
      address: ADDRESS,
      userAgent: 'curl/8',
    });
  });

  test('OpenStreams sends a heartbeat to a stream that is silent, and has taken all', () => {
    const { streams } = openStreams({ heartbeatSeconds: 15 });
    const { connection, stream, told } = open(streams);
    jest.advanceTimersByTime(14_000);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(3_000);
    expect(told).toEqual(['beat']);
    stream.lastSent = streams.sweeps;
    jest.advanceTimersByTime(14_000);
    expect(told).toEqual(['beat']);
    connection.pendingBytes = 1;
    jest.advanceTimersByTime(60_000);
    expect(told).toEqual(['beat']);
  });

  test('OpenStreams has a place told to a stream whose id gets old, whether heartbeats are off or not', () => {
    for (const heartbeatSeconds of [0, 15]) {
      const { streams } = openStreams({ heartbeatSeconds });
      const { connection, stream, told } = open(streams);
      jest.advanceTimersByTime(5_000);
      expect(told).toEqual([]);
      stream.isAgeing = true;
      connection.pendingBytes = 1;
      jest.advanceTimersByTime(1_000);
      expect(told).toEqual([]);
      connection.pendingBytes = 0;
      jest.advanceTimersByTime(1_000);
      expect(told).toEqual(['place']);
      streams.delete(stream, 'client');
    }
  });

  test('OpenStreams ends a stream at its age, less a fifth at random', () => {
    const { streams } = openStreams({ maxAgeSeconds: 100 });
    const { told } = open(streams);
    jest.advanceTimersByTime(78_000);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(22_000);
    expect(told).toEqual(['end max_age']);
  });

  test('OpenStreams ends the streams of a channel that was dropped, and no other', () => {
    const { streams } = openStreams();
    const dropped = new AbortController();
    const { told } = open(streams, dropped.signal);
    const { told: ofOther } = open(streams);
    jest.advanceTimersByTime(10_000);
    expect(told).toEqual([]);
    dropped.abort();
    jest.advanceTimersByTime(1_000);
    expect([told, ofOther]).toEqual([['end config'], []]);
  });

  test('OpenStreams ends a stream in the last tenth of its token, and cuts what is left at its end', () => {
    const { streams, told } = openStreams();
    const signal = new AbortController().signal;
    const ofStreams = Array.from({ length: 20 }, () => open(streams, signal, 100_000));
    jest.advanceTimersByTime(89_999);
    expect(ofStreams.flatMap((stream) => stream.told)).toEqual([]);
    const [slow] = ofStreams;
    slow!.connection.pendingBytes = 10;
    jest.advanceTimersByTime(5_000);
    const ended = ofStreams.filter((stream) => stream.told.length > 0).length;
    expect(ended).toBeGreaterThan(0);
    expect(ended).toBeLessThan(20);
    jest.advanceTimersByTime(4_900);
    for (const stream of ofStreams) expect(stream.told).toEqual(['end expired']);
    jest.advanceTimersByTime(101);
    expect(slow!.told).toEqual(['end expired', 'cut']);
    expect(told.filter((line) => line === 'closed t expired')).toHaveLength(20);
    jest.advanceTimersByTime(2_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('OpenStreams cuts a stream that is within a block when its token is over', () => {
    const { streams, told } = openStreams();
    const { stream, told: ofStream } = open(streams, new AbortController().signal, 1000);
    // Its client takes the end of no block.
    stream.end = (reason) => ofStream.push(`asked to end: ${reason}`);
    jest.advanceTimersByTime(999);
    expect(ofStream).toEqual(['asked to end: expired']);
    jest.advanceTimersByTime(1);
    expect(ofStream).toEqual(['asked to end: expired', 'cut']);
    expect(told).toEqual(['opened t', 'closed t expired']);
  });

  test('OpenStreams keeps a token of years for as long', () => {
    const { streams } = openStreams();
    const years = 100 * 365 * 24 * HOUR_MS;
    const { told } = open(streams, new AbortController().signal, years);
    jest.advanceTimersByTime(HOUR_MS);
    expect(told).toEqual([]);
  });

  test('OpenStreams cuts a client that takes nothing, but not one that takes a little', () => {
    const { streams, told } = openStreams({ stallSeconds: 30 });
    const { connection, told: ofStream } = open(streams);
    connection.pendingBytes = 10;
    for (let seconds = 0; seconds < 100; seconds += 20) {
      jest.advanceTimersByTime(20_000);
      connection.progress++;
    }
    expect(ofStream).toEqual([]);
    jest.advanceTimersByTime(32_000);
    expect([ofStream, told]).toEqual([['cut'], ['opened t', 'closed t stalled']]);
  });

  test('OpenStreams cuts a client that does not take the end of its stream', () => {
    const { streams } = openStreams({ stallSeconds: 30 });
    const { connection, stream, told } = open(streams);
    connection.pendingBytes = 10;
    streams.delete(stream, 'max_age');
    jest.advanceTimersByTime(32_000);
    expect(told).toEqual(['cut']);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('OpenStreams has no timer where no stream is open', () => {
    const { streams } = openStreams({ heartbeatSeconds: 15 });
    const { stream } = open(streams);
    expect(jest.getTimerCount()).toBe(1);
    streams.delete(stream, 'client');
    jest.advanceTimersByTime(2_000);
    expect(jest.getTimerCount()).toBe(0);
  });

  test('OpenStreams.drain() ends every stream within its time, spread over it', async () => {
    const { streams } = openStreams({}, 0);
    const all = Array.from({ length: 100 }, () => open(streams));
    const ended = (): number => all.filter(({ told }) => told.includes('end drain')).length;
    const drained = streams.drain(10_000);
    expect(await streams.admit(ADDRESS)).toBe('drain');
    await jest.advanceTimersByTimeAsync(5_000);
    expect(ended()).toBeGreaterThan(10);
    expect(ended()).toBeLessThan(90);
    await jest.advanceTimersByTimeAsync(5_020);
    expect(ended()).toBe(100);
    await drained;
  });

  test('OpenStreams.admit() lets nobody in by a slot that is granted in a drain, and gives it back', async () => {
    const { slots, streams, told } = askedStreams();
    const asked = streams.admit(ADDRESS);
    await streams.drain(HOUR_MS);
    slots.grant();
    expect([await asked, slots.taken]).toEqual(['drain', 0]);
    expect(told).toEqual(['refused drain']);
  });

  test('OpenStreams.add() ends a stream at once whose drain was over before', async () => {
    const { streams, told } = openStreams();
    expect(await streams.admit(ADDRESS)).toBe(null);
    await streams.drain(HOUR_MS);
    expect(open(streams).told).toEqual(['end drain']);
    expect(told).toEqual(['opened t', 'closed t drain']);
  });

  test('OpenStreams.drain() is over with the last stream', async () => {
    const { streams } = openStreams();
    const { stream } = open(streams);
    const drained = streams.drain(HOUR_MS);
    streams.delete(stream, 'client');
    await jest.advanceTimersByTimeAsync(20);
    await drained;
    expect(await streams.admit(ADDRESS)).toBe('drain');
  });

  test('OpenStreams.drain() is over at once where no stream is open', async () => {
    await openStreams().streams.drain(HOUR_MS);
  });
});
