import { expect, test } from '@jest/globals';
import type { EndReason } from '../ports/stream_observer.ts';
import type { ClientStream } from '../stretches/client_stream.ts';
import { EventStream } from './event_stream.ts';
import { OpenStreams } from './open_streams.ts';
import { PULL_ONLY, pulledFrom } from './stream_body.ts';
import { CountedSlots } from './stream_slots.ts';

const { signal } = new AbortController();
const CHANNEL = { topic: 't', parts: [{ topic: 't' }], signal };
const TIMES = { heartbeatSeconds: 0, maxAgeSeconds: 0, stallSeconds: 0 };

const bodyOf = (stream: EventStream): ReadableStream =>
  new ReadableStream(pulledFrom(stream), PULL_ONLY);

/** A stream that is open, and what is told of it. */
async function open(take: () => Uint8Array | null) {
  const told: string[] = [];
  const slots = new CountedSlots({ maxConnections: 1, maxConnectionsPerIp: 0 });
  const streams = new OpenStreams(TIMES, slots, {
    opened: (topic) => told.push(`opened ${topic}`),
    closed: (topic: string, reason: EndReason) => told.push(`closed ${topic} ${reason}`),
    refused: (reason) => told.push(`refused ${reason}`),
  });
  expect(await streams.admit('192.0.2.1')).toBeNull();
  const subscription = {
    take,
    wait: () => {},
    close: () => {},
    sent: () => {},
    isWithinBlock: false,
    eventsSent: 0,
  };
  const subscribe = (): ClientStream => subscription as unknown as ClientStream;
  const stream = new EventStream(CHANNEL, '192.0.2.1', null, subscribe, streams);
  const [letGo, cut, measureProgress] = [() => {}, () => {}, () => 0];
  const connection = { address: '192.0.2.1', pendingBytes: 0, measureProgress, letGo, cut };
  streams.add(stream, connection, { path: '/t', sub: null, expiresAt: null });
  return { stream, streams, told };
}

test('EventStream that fails ends without a word, and gives its slot back', async () => {
  const { stream, streams, told } = await open(() => {
    throw new Error('of the inside');
  });
  expect(await new Response(bodyOf(stream)).text()).toMatch(/^retry:\d+\n\n$/);
  expect(told).toEqual(['opened t', 'closed t error']);
  expect(await streams.admit('192.0.2.1')).toBeNull();
});

test('EventStream that is dropped before it is read gives its slot back', async () => {
  const { stream, streams, told } = await open(() => null);
  expect(await streams.admit('192.0.2.1')).toBe('max_connections');
  await bodyOf(stream).cancel();
  expect(told).toEqual(['opened t', 'refused max_connections', 'closed t client']);
  expect(await streams.admit('192.0.2.1')).toBeNull();
});
