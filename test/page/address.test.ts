import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { addressOf, DEFAULTS, readAddress, type Settings } from '../../public/page/address.js';

const ORIGIN = 'https://gateway.example';

describe('readAddress()', () => {
  test('gives the defaults for an address without settings', () => {
    expect(readAddress('', ORIGIN)).toEqual(DEFAULTS);
    expect(readAddress('#', ORIGIN)).toEqual(DEFAULTS);
  });

  test('reads a link', () => {
    const hash = '#location=/prices&since=latest&format=text&view=table&filter=a%20%26b';
    expect(readAddress(hash, ORIGIN)).toEqual({
      location: 'https://gateway.example/prices',
      start: 'latest',
      since: '',
      id: '',
      format: 'text',
      view: 'table',
      filter: 'a &b',
    });
  });

  test.each([
    ['#since=2026-01-31T12:00:00Z', { start: 'time', since: '2026-01-31T12:00:00Z' }],
    ['#lastEventId=Ao8nEHQCAAI%3D', { start: 'id', id: 'Ao8nEHQCAAI=' }],
    ['#lastEventId=Aa&since=latest', { start: 'id', id: 'Aa' }],
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
      fc.constantFrom({ start: 'beginning' }, { start: 'latest' }),
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
      view: fc.constantFrom('messages', 'table'),
      filter: fc.string({ unit: 'grapheme' }),
    });
    fc.assert(
      fc.property(start, rest, (from, others) => {
        const settings = { ...DEFAULTS, ...others, ...from } as Settings;
        // "latest" is a word of the stream, not a time.
        fc.pre(settings.since !== 'latest');
        expect(readAddress(addressOf(settings, ORIGIN), ORIGIN)).toEqual(settings);
      }),
    );
  });
});
