import { expect, test } from '@jest/globals';
import { within } from '../../test/support/deadline.ts';
import type { Subscription } from '../stretches/subscription.ts';
import { EventStream } from './event_stream.ts';
import { OpenStreams } from './open_streams.ts';
import { CountedSlots } from './stream_slots.ts';

const HOUR_MS = 3_600_000;

function openStreams(): OpenStreams {
  const times = { heartbeatSeconds: 0, maxAgeSeconds: 0, stallSeconds: 0 };
  const slots = new CountedSlots({ maxConnections: 1, maxConnectionsPerIp: 0 });
  const observer = { opened: () => {}, closed: () => {}, refused: () => {} };
  return new OpenStreams(times, slots, observer);
}

test('OpenStreams.drain() is over with the last stream', async () => {
  const streams = openStreams();
  const stream = new EventStream('t', '192.0.2.1', () => null as unknown as Subscription, streams);
  const [letGo, cut, measureProgress] = [() => {}, () => {}, () => 0];
  streams.add(stream, { address: '192.0.2.1', pendingBytes: 0, measureProgress, letGo, cut });
  const drained = streams.drain(HOUR_MS);
  stream.cancel();
  await within('the end of the drain', drained);
  expect(await streams.admit('192.0.2.1')).toBe('drain');
});

test('OpenStreams.drain() is over at once where no stream is open', async () => {
  await within('the end of the drain', openStreams().drain(HOUR_MS));
});
