import { describe, expect, test } from '@jest/globals';
import { Log } from '../log/log.ts';
import { formatByName } from '../views/format.ts';
import { PLAIN, viewIn } from '../views/view.ts';
import { Client } from './client.ts';
import type { Stretch } from './stretch.ts';
import type { Topic } from './topic.ts';

const TOPIC = { traffic: { notes: null } } as Topic;
const JSON_VIEW = viewIn(formatByName('json')!);
const PAST = { isPast: () => true } as unknown as Stretch;
const NOWHERE = Float64Array.of(0);
const BEFORE = { isPast: () => false } as unknown as Stretch;

function log(): Log {
  const start = Float64Array.of(0);
  const topicId = new Uint8Array(4);
  return new Log({ topic: 'events', topicId, start, maxBytes: 1e6, keys: null, clock: null });
}

describe('Client', () => {
  test('Client.wake() wakes once, and never throws', () => {
    const client = new Client(TOPIC, PLAIN);
    let woken = 0;
    client.onWake(() => {
      woken++;
      throw new Error('a client that fails');
    });
    client.wake();
    client.wake();
    expect(woken).toBe(1);
  });

  test('Client.asks() takes back what was asked before', () => {
    const takenBack: string[] = [];
    const client = new Client(TOPIC, PLAIN);
    client.asks(() => takenBack.push('first'));
    client.asks(() => takenBack.push('second'));
    client.asks(null);
    expect(takenBack).toEqual(['first', 'second']);
  });

  test('Client.isLiveOn() is told once in a format that tells, and again of a topic made anew', () => {
    const client = new Client(TOPIC, JSON_VIEW);
    expect(client.isLiveOn(PAST)).toBe(false);
    client.comesTo(log(), NOWHERE, null);
    expect([client.isLiveOn(BEFORE), client.isLiveOn(PAST)]).toEqual([false, true]);
    client.isToldLive();
    client.comesTo(log(), NOWHERE, null);
    expect(client.isLiveOn(PAST)).toBe(false);
    client.beginsAnew();
    client.comesTo(log(), NOWHERE, null);
    expect(client.isLiveOn(PAST)).toBe(true);
    const plain = new Client(TOPIC, PLAIN);
    plain.comesTo(log(), NOWHERE, null);
    expect(plain.isLiveOn(PAST)).toBe(false);
  });

  test('Client.isNewTo() is true of partitions that its cursor lacks, until it got a block', () => {
    const client = new Client(TOPIC, PLAIN);
    const cursor = { topicId: new Uint8Array(4), offsets: new Map([[1, 5]]) };
    client.comesTo(log(), Float64Array.of(0, 5), cursor);
    expect([client.isNewTo(0), client.isNewTo(1), client.isNewToAny()]).toEqual([
      true,
      false,
      true,
    ]);
    client.gotBlock();
    expect([client.isNewTo(0), client.isNewToAny()]).toEqual([false, false]);
  });
});
