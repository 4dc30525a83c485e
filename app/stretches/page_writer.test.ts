import { describe, expect, test } from '@jest/globals';
import { Segment } from '../log/segment.ts';
import { PLAIN } from '../views/view.ts';
import { retentionGap } from '../wire/gap.ts';
import { PageWriter } from './page_writer.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const topicId = Uint8Array.of(0x8f, 0x27, 0x10, 0x74);
const PLACE = { topicId, positions: Float64Array.of(1), unknown: [] };

/** A segment with one record; `null` is a record with neither key nor value. */
function segmentOf(value: string | null): Segment {
  const start = Float64Array.of(0);
  const segment = new Segment({
    topic: 'events',
    topicId,
    start,
    clock: null,
    firstSeq: 0,
    capacity: 16,
  });
  const bytes = value === null ? null : encoder.encode(value);
  segment.append(0, {
    partition: 0,
    offset: 0,
    timestamp: -1,
    key: null,
    value: bytes,
    headers: [],
  });
  return segment;
}

describe('PageWriter', () => {
  test("PageWriter.record() puts the client's own id behind a record's lines", () => {
    const page = new PageWriter();
    page.begin(null);
    page.record(segmentOf('a').encode(PLAIN), 0, PLACE);
    page.record(segmentOf(null).encode(PLAIN), 0, { ...PLACE, unknown: [[2, 3]] });
    page.gap(retentionGap('events', 0, 5, 12), PLACE);
    const { bytes, events, gaps } = page.finish();
    expect(decoder.decode(bytes)).toBe(
      'data:a\nid:Ao8nEHQCAAI=\n\n' +
        'id:Ao8nEHQEAAIEBg==\n\n' +
        'event:gap\ndata:{"reason":"retention","topic":"events",' +
        '"partitions":[{"partition":0,"from":5,"to":12}]}\nid:Ao8nEHQCAAI=\n\n',
    );
    expect([events, gaps]).toEqual([2, 1]);
  });

  test('PageWriter.begin() changes no page that was finished', () => {
    const page = new PageWriter();
    page.begin(null);
    page.record(segmentOf('a').encode(PLAIN), 0, PLACE);
    const { bytes } = page.finish();
    page.begin(null);
    expect([page.isEmpty, page.isFull]).toEqual([true, false]);
    page.record(segmentOf('b'.repeat(32 * 1024)).encode(PLAIN), 0, PLACE);
    expect([page.isEmpty, page.isFull]).toEqual([false, true]);
    expect(decoder.decode(bytes)).toBe('data:a\nid:Ao8nEHQCAAI=\n\n');
  });
});
