import { expect, test } from '@jest/globals';
import { type Note, Traffic } from './traffic.ts';

test('Traffic.joined() makes one note of the live records of a topic, and counts the same', () => {
  const [a, b] = [new Traffic(), new Traffic()];
  const notes: Note[] = [];
  const slice = (...timestamps: number[]) => ({
    events: timestamps.length,
    gaps: 0,
    timestamps: Float64Array.from(timestamps),
  });
  a.notes = notes;
  b.notes = notes;
  a.sendSlice(slice(1, 2), true);
  b.sendSlice(slice(3), true);
  a.sendSlice({ ...slice(4), gaps: 1 }, true);
  a.sendGap('recreated');
  b.sendSlice(slice(5), false);
  a.notes = null;
  b.notes = null;
  expect([notes.length, a.eventsSent]).toEqual([5, 0]);
  const joined = Traffic.joined(notes);
  expect(joined.map(({ events }) => events).toSorted()).toEqual([1, 1, 1, 3]);
  for (const note of joined) note.count();
  expect([a.eventsSent, b.eventsSent, a.gapsSent.retention, a.gapsSent.recreated]).toEqual([
    4, 2, 1, 1,
  ]);
  const delivered = ({ deliveryTimes }: Traffic): number =>
    deliveryTimes.read().counts.reduce((sum, count) => sum + count);
  expect([delivered(a), delivered(b)]).toEqual([3, 1]);
});
