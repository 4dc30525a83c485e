import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import {
  addressOf,
  DEFAULTS,
  ownPath,
  readAddress,
  type Settings,
  urlOf,
} from '../../public/page/address.js';

const ORIGIN = 'https://gateway.example';

describe('ownPath()', () => {
  const root = `${ORIGIN}/streams`;

  test.each([
    ['/prices', '/prices'],
    ['prices', '/prices'],
    [`${root}/prices?key=a#b`, '/prices'],
    ['HTTPS://Gateway.Example:443/streams/prices', '/prices'],
    [`${ORIGIN}/other/../streams/my/prices`, '/my/prices'],
    ['https://somebody@gateway.example/streams/prices', '/prices'],
    ['//other.example/prices', '//other.example/prices'],
    [`${root}/`, '/'],
  ])('ownPath() knows %j for one of its gateway', (location, path) => {
    expect(ownPath(location, root)).toBe(path);
  });

  test.each([
    '',
    root,
    `${ORIGIN}/prices`,
    `${ORIGIN}/streams-of-others/prices`,
    '/../prices',
    `${root}/%2e%2e/prices`,
    'http://gateway.example/streams/prices',
    'https://gateway.example:8443/streams/prices',
    'https://gateway.example.other.example/streams/prices',
    'https://gateway.example@other.example/streams/prices',
    `blob:${root}/prices`,
    'https://',
  ])('ownPath() knows nothing of %j', (location) => {
    expect(ownPath(location, root)).toBeNull();
  });
});

test('urlOf() has a name below the path of its gateway, and nothing of what is no address', () => {
  expect(urlOf('prices?key=a', `${ORIGIN}/streams`)?.href).toBe(`${ORIGIN}/streams/prices?key=a`);
  expect(['', 'http://', 'https://a b/'].map((location) => urlOf(location, ORIGIN))).toEqual([
    null,
    null,
    null,
  ]);
});

describe('readAddress()', () => {
  test('gives the defaults for an address without settings', () => {
    expect(readAddress('', ORIGIN)).toEqual(DEFAULTS);
    expect(readAddress('#', ORIGIN)).toEqual(DEFAULTS);
  });

  test('reads a link', () => {
    const hash =
      '#location=/prices&since=latest&where=value.a%3E1&every=250&format=text&view=table' +
      '&filter=a%20%26b&field=id&field=a.b&clock=utc';
    expect(readAddress(hash, ORIGIN)).toEqual({
      ...DEFAULTS,
      location: 'https://gateway.example/prices',
      start: 'latest',
      where: 'value.a>1',
      every: '250',
      format: 'text',
      view: 'table',
      filter: 'a &b',
      fields: ['id', 'a.b'],
      clock: 'utc',
    });
  });

  test.each([
    ['#since=2026-01-31T12:00:00Z', { start: 'time', since: '2026-01-31T12:00:00Z' }],
    ['#lastEventId=Ao8nEHQCAAI%3D', { start: 'id', id: 'Ao8nEHQCAAI=' }],
    ['#lastEventId=Aa&since=latest', { start: 'id', id: 'Aa' }],
    ['#since=-100', { start: 'newest' }],
    ['#since=beginning', { start: 'beginning' }],
    ['#view=other&format=xml&since=', {}],
    ['#location=http://other.example/a', { location: 'http://other.example/a' }],
  ] as const)('%s', (hash, changes) => {
    expect(readAddress(hash, ORIGIN)).toEqual({ ...DEFAULTS, ...changes });
  });
});

describe('addressOf()', () => {
  test('leaves out the path below which a proxy has the gateway, which readAddress() puts back', () => {
    const root = `${ORIGIN}/streams`;
    const hash = addressOf({ ...DEFAULTS, location: `${root}/prices` }, root);
    expect(hash).toBe('#location=/prices');
    expect(readAddress(hash, root).location).toBe(`${root}/prices`);
    const beside = { ...DEFAULTS, location: `${ORIGIN}/prices` };
    expect(addressOf(beside, root)).toBe(`#location=${beside.location}`);
  });

  test('leaves out what is the default, and the own origin', () => {
    expect(addressOf(DEFAULTS, ORIGIN)).toBe('#');
    const location = `${ORIGIN}/prices`;
    expect(addressOf({ ...DEFAULTS, location }, ORIGIN)).toBe('#location=/prices');
  });

  test('is read again as it was', () => {
    const start = fc.oneof(
      fc.constantFrom('auto', 'newest', 'beginning', 'latest').map((start) => ({ start })),
      fc.record({ start: fc.constant('time'), since: fc.string({ minLength: 1 }) }),
      fc.record({ start: fc.constant('id'), id: fc.string({ minLength: 1 }) }),
    );
    const rest = fc.record({
      location: fc.oneof(
        fc.webUrl({ withQueryParameters: true }),
        fc.webPath().map((path) => `${ORIGIN}/${path}`),
        fc.constant(''),
      ),
      format: fc.constantFrom('auto', 'json', 'text'),
      key: fc.string({ maxLength: 5 }),
      where: fc.string({ maxLength: 5 }),
      every: fc.string({ maxLength: 3 }),
      view: fc.constantFrom('messages', 'table'),
      fields: fc.array(fc.string({ minLength: 1, maxLength: 3 }), { maxLength: 3 }),
      clock: fc.constantFrom('local', 'utc'),
      filter: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(start, rest, (from, others) => {
        const settings = { ...DEFAULTS, ...others, ...from } as Settings;
        // Words are no time.
        fc.pre(!['latest', 'beginning', '-100'].includes(settings.since));
        expect(readAddress(addressOf(settings, ORIGIN), ORIGIN)).toEqual(settings);
      }),
    );
  });
});
