import { expect, test } from '@jest/globals';
import { FetchSession } from './fetch_session.ts';

const at = (partition: number, offset: number, epoch = 1) => ({ partition, epoch, at: offset });

test('FetchSession names all partitions first, then those that changed, came or went', () => {
  const session = new FetchSession();
  const first = session.next([at(0, 5), at(1, 6), at(2, 7)]);
  expect(first).toEqual({
    id: 0,
    epoch: 0,
    changed: [at(0, 5), at(1, 6), at(2, 7)],
    forgotten: [],
  });
  session.answered(9);
  expect(session.next([at(0, 5), at(1, 8), at(2, 7, 2)])).toEqual({
    id: 9,
    epoch: 1,
    changed: [at(1, 8), at(2, 7, 2)],
    forgotten: [],
  });
  session.answered(9);
  expect(session.next([at(1, 8), at(3, 0)])).toEqual({
    id: 9,
    epoch: 2,
    changed: [at(3, 0)],
    forgotten: [0, 2],
  });
});

test('FetchSession names all partitions each time where the broker keeps no session', () => {
  const session = new FetchSession();
  for (let n = 0; n < 3; n++) {
    const { id, epoch, changed } = session.next([at(0, 5), at(1, 6)]);
    expect({ id, epoch, changed }).toEqual({ id: 0, epoch: 0, changed: [at(0, 5), at(1, 6)] });
    session.answered(0);
  }
});
