import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import { ByteWriter } from './byte_writer.ts';
import { type Gap, type GapReason, gapFrame, writeGapLines } from './gap.ts';
import type { Place } from './place.ts';

const PLACE: Place = {
  topicId: Uint8Array.of(0x8f, 0x27, 0x10, 0x74),
  positions: Float64Array.of(1),
  unknown: [],
};
const GAP: Gap = {
  reason: 'retention',
  topic: 'events',
  partitions: [{ partition: 0, from: 5, to: 12 }],
};

describe('writeGapLines()', () => {
  test('writeGapLines() writes the example of the contract, all but the id', () => {
    const out = new ByteWriter(1);
    writeGapLines(out, GAP);
    expect(Buffer.from(out.view()).toString()).toBe(
      'event:gap\ndata:{"reason":"retention","topic":"events",' +
        '"partitions":[{"partition":0,"from":5,"to":12}]}\n',
    );
  });
});

describe('gapFrame()', () => {
  test('gapFrame() ends with the place from which the stream goes on, and one blank line', () => {
    expect(Buffer.from(gapFrame(GAP, PLACE, null)).toString()).toBe(
      'event:gap\ndata:{"reason":"retention","topic":"events",' +
        '"partitions":[{"partition":0,"from":5,"to":12}]}\nid:Ao8nEHQCAAI=\n\n',
    );
  });

  test('gapFrame() keeps partitions in the id that are not known here yet', () => {
    const text = Buffer.from(gapFrame(GAP, { ...PLACE, unknown: [[2, 3]] }, null)).toString();
    expect(text).toContain('\nid:Ao8nEHQEAAIEBg==\n\n');
  });

  test.each<[GapReason, Gap['partitions']]>([
    ['retention', [{ partition: 3, from: 0, to: Number.MAX_SAFE_INTEGER }]],
    ['recreated', Array.from({ length: 1000 }, (_, partition) => ({ partition, from: 9, to: 0 }))],
    ['truncated', [{ partition: 1, from: 12, to: 5 }]],
    ['unreadable-cursor', []],
  ])('gapFrame() tells a client of %s in one event', (reason, partitions) => {
    const events: unknown[] = [];
    const parser = createParser({
      onEvent: ({ event, data, id }) => events.push([event, JSON.parse(data), id]),
    });
    parser.feed(
      Buffer.from(gapFrame({ reason, topic: 'a.b_c-D', partitions }, PLACE, null)).toString(),
    );
    const gap = { reason, topic: 'a.b_c-D', partitions };
    expect(events).toEqual([['gap', gap, 'Ao8nEHQCAAI=']]);
  });
});
