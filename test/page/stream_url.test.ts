import { describe, expect, test } from '@jest/globals';
import { DEFAULTS } from '../../public/page/address.js';
import { effectiveStart, streamUrl } from '../../public/page/stream_url.js';

const BASE = 'https://gateway.example';
const OWN = `${BASE}/prices`;
const OTHER = 'https://other.example/prices';

describe('streamUrl()', () => {
  test.each([
    ['asks its own gateway for all that is known', OWN, {}, `${OWN}?format=json`],
    ['asks its own gateway for values', OWN, { format: 'text' }, OWN],
    ['takes another location as it is', OTHER, {}, OTHER],
    ['asks another gateway if told to', OTHER, { format: 'json' }, `${OTHER}?format=json`],
    ['keeps a format that is typed', `${OWN}?format=text`, {}, `${OWN}?format=text`],
    ['asks for several topics in JSON', '/a,b', { format: 'text' }, `${BASE}/a,b?format=json`],
    ['takes a path', '/prices', {}, `${OWN}?format=json`],
    ['takes a name', 'prices', {}, `${OWN}?format=json`],
    [
      'knows its own gateway however it is written',
      'HTTPS://Gateway.Example/prices',
      {},
      `${OWN}?format=json`,
    ],
    [
      'asks for a key, by an expression, at beats',
      `${OWN}?key=other`,
      { key: 'a b', where: 'value.a > 1', every: '250' },
      `${OWN}?key=a+b&where=value.a+%3E+1&every=250&format=json`,
    ],
    ['starts at the newest', OTHER, { start: 'newest' }, `${OTHER}?since=-100`],
    ['starts at latest', OTHER, { start: 'latest' }, `${OTHER}?since=latest`],
    [
      'starts at a time',
      OTHER,
      { start: 'time', since: '2026-01-31T12:00:00Z' },
      `${OTHER}?since=2026-01-31T12%3A00%3A00Z`,
    ],
    ['starts at an id', OTHER, { start: 'id', id: 'a+b=' }, `${OTHER}?lastEventId=a%2Bb%3D`],
    ['keeps what is typed', `${OTHER}?since=latest`, {}, `${OTHER}?since=latest`],
  ] as const)('%s', (_title, location, changes, expected) => {
    expect(streamUrl({ ...DEFAULTS, location, ...changes }, BASE)).toBe(expected);
  });

  test('takes a path for one of the gateway, and what is beside it for another server', () => {
    const root = `${BASE}/streams`;
    const at = (location: string) => streamUrl({ ...DEFAULTS, location }, root);
    expect(at('/prices')).toBe(`${root}/prices?format=json`);
    expect(at(`${root}/prices`)).toBe(`${root}/prices?format=json`);
    expect(at(OWN)).toBe(OWN);
  });

  test('goes on after the last id, whatever id it started at', () => {
    const settings = { ...DEFAULTS, location: OTHER, start: 'id', id: 'first' } as const;
    expect(streamUrl(settings, BASE, 'last')).toBe(`${OTHER}?lastEventId=last`);
  });

  test.each(['http://', 'ftp://other.example/', 'javascript:alert(1)', 'https://a b/'])(
    'does not take %s',
    (location) => {
      expect(() => streamUrl({ ...DEFAULTS, location }, BASE)).toThrow(/invalid url|not http/i);
    },
  );
});

describe('effectiveStart()', () => {
  const topics = [true, false, false, null].map((compacted, i) => {
    const name = `${'abcd'[i]}`;
    return { name, path: `/${name}`, compacted, deleteRetentionMs: null };
  });

  test.each([
    ['/a', 'auto', 'beginning'],
    ['/b', 'auto', 'newest'],
    ['/b,c', 'auto', 'newest'],
    ['/a,b', 'auto', 'beginning'],
    ['/d', 'auto', 'beginning'],
    ['/b?since=latest', 'auto', 'beginning'],
    [OTHER, 'auto', 'beginning'],
    ['/b', 'beginning', 'beginning'],
    ['/a', 'newest', 'newest'],
  ] as const)('of %s, %s, is %s', (location, start, expected) => {
    expect(effectiveStart({ location, start }, BASE, topics)).toBe(expected);
  });
});
