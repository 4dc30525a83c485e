import { describe, expect, test } from '@jest/globals';
import { isClean, type Outcome, slopesOf, sum, tableOf } from './report.ts';
import { ProcessSeries } from './resources.ts';
import { Tally } from './tally.ts';

const CLEAN: Outcome = {
  seed: 1,
  runtime: 'Node',
  minutes: 1,
  produced: { plain: 9, deleted: 8 },
  total: new Tally(),
  filtered: { clients: 0, delivered: 0 },
  strangers: { refused: 5, leaked: 0 },
  streamsEnded: 0,
  badEnds: 0,
  connectionsLeft: 0,
  processes: [],
  endings: {},
};

describe('isClean()', () => {
  test('is true where clients came back, were refused and were told of gaps', () => {
    const total = Object.assign(new Tally(), { reconnects: 1, refusals: 1, explainedGaps: 1 });
    expect(isClean({ ...CLEAN, total })).toBe(true);
  });

  test.each(['lost', 'dead', 'doubled', 'outOfOrder', 'wrong', 'unexplainedGaps'])(
    'minds %s',
    (name) => {
      expect(isClean({ ...CLEAN, total: Object.assign(new Tally(), { [name]: 1 }) })).toBe(false);
    },
  );

  test.each(['streamsEnded', 'badEnds', 'connectionsLeft'])('minds %s', (name) => {
    expect(isClean({ ...CLEAN, [name]: 1 })).toBe(false);
  });

  test('minds what was told to whoever may not read', () => {
    expect(isClean({ ...CLEAN, strangers: { refused: 5, leaked: 1 } })).toBe(false);
  });
});

describe('tableOf()', () => {
  test('has a row for each kind of client on each topic, and one for all', () => {
    const clients = ['plain', 'deleted', 'plain'].map((topic, number) => {
      const tally = Object.assign(new Tally(), { delivered: 7 });
      return { kind: 'curl', topic, isFiltered: number === 0, tally, faults: '' };
    });
    const rows = tableOf(clients, { ...CLEAN, total: sum(clients) }).split('\n');
    const cells = rows.map((row) => row.split(/ {2,}/).slice(0, 6));
    expect(cells).toEqual([
      ['client', 'topic', 'clients', 'filtered', 'produced', 'delivered'],
      ['curl', 'plain', '2', '1', '9', '14'],
      ['curl', 'deleted', '1', '0', '8', '7'],
      ['all', '3', '1', '17', '21', '0'],
      [''],
    ]);
  });
});

describe('slopesOf()', () => {
  test('leaves out what grew while it warmed up, and those that did not live long', () => {
    const [long, short] = [new ProcessSeries('long', 1), new ProcessSeries('short', 2)];
    for (let at = 0; at <= 30; at++) {
      long.memory.push({ at, value: at < 5 ? 10 * at : 50 + at });
      long.files.push({ at, value: 20 });
    }
    for (let at = 10; at <= 12; at++) short.memory.push({ at, value: at });
    expect(slopesOf([long, short], 5, 30)).toEqual([
      {
        name: 'long',
        from: 5,
        to: 30,
        lastMegabytes: 80,
        kilobytesPerMinute: 1024,
        filesPerMinute: 0,
      },
    ]);
  });
});
