import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { ByteWriter } from './byte_writer.ts';
import { findCursor, parseCursor, writeCursor } from './cursor.ts';

const EXAMPLE = 'Ao8nEHQCAAI=';

describe('findCursor()', () => {
  const found = parseCursor(EXAMPLE);
  const old = parseCursor('AQQABAIC');

  test.each([
    [EXAMPLE, found],
    [`  ${EXAMPLE}\t`, found],
    ['AQIAAg==', parseCursor('AQIAAg==')],
    [`["a2V5","${EXAMPLE}"]`, found],
    [`["","${EXAMPLE}"]`, found],
    [`["+/8=","${EXAMPLE}"]`, found],
    [`[null,"${EXAMPLE}"]`, found],
    [`[ "a2V5" ,\t"${EXAMPLE}" ]`, found],
    [`[\r\n  null,\n  "${EXAMPLE}"\n]`, found],
    [`["a2V5", " ${EXAMPLE} /r4 "]`, found],
    [`, ${EXAMPLE}`, found],
    [`${EXAMPLE}/revision=42`, found],
    [`${EXAMPLE}/`, found],
    [`${EXAMPLE}/a/b`, found],
    [`${EXAMPLE}/"a"`, found],
    ['["a2V5","AQQABAIC/revision=42"]', old],
    ['[null,"AQQABAIC/revision=42"]', old],
    ['["a2V5","AQQABAIC/W/"r4""]', old],
    ['["a2V5","AQQABAIC/W/\\"r4\\""]', old],
  ])('findCursor() takes the cursor out of %j', (text, cursor) => {
    expect(cursor).not.toBeNull();
    expect(findCursor([text])).toEqual(cursor);
  });

  const EMPTY = '["a2V5",""] ["",""] [null,""] / /revision=42 ["a2V5","/r4"] [null,"/r4"]';
  const SPACED = ['[ "a2V5" , "" ]', '[null, " "]', '[\n"a2V5",\n"/r4"\n]', ' / r4', ',', ', '];
  test.each([...EMPTY.split(' '), ...SPACED, null, undefined, '', ' \t'])(
    'findCursor() takes %j for none, and looks at the next place',
    (empty) => {
      expect(findCursor([empty])).toBeNull();
      expect(findCursor([empty, empty])).toBeNull();
      expect(findCursor([empty, EXAMPLE])).toEqual(found);
      expect(findCursor([empty, 'garbage'])).toBe('unreadable');
    },
  );

  const timed = parseCursor(`${EXAMPLE}/~t9q9c0`)!;
  test.each([
    `${EXAMPLE}/~t9q9c0`,
    ` ${EXAMPLE}/~t9q9c0 `,
    `["a2V5","${EXAMPLE}/~t9q9c0"]`,
    `[ null , "${EXAMPLE}/~t9q9c0" ]`,
    `${EXAMPLE}/~t9q9c0/etag`,
    `["a2V5","${EXAMPLE}/~t9q9c0/"r4""]`,
  ])('findCursor() takes the time along out of %j', (text) => {
    expect(timed.time).toBe(1_769_860_800);
    expect(findCursor([text])).toEqual(timed);
  });

  test.each(['/~', '/~T9', '/~t9.', '/x~t9', '/"~t9"', '/e/~t9'])(
    'findCursor() takes %j for an etag',
    (etag) => {
      expect(findCursor([EXAMPLE + etag])).toEqual(found);
    },
  );

  test('findCursor() takes a time alone for none', () => {
    expect(findCursor(['/~t9q9c0', '["a2V5","/~t9q9c0"]'])).toBeNull();
  });

  test('findCursor() takes the first that is sent, readable or not', () => {
    expect(findCursor([])).toBeNull();
    expect(findCursor([EXAMPLE, 'AQQABAIC'])).toEqual(found);
    expect(findCursor([undefined, '', 'AQQABAIC', EXAMPLE])).toEqual(old);
    expect(findCursor(['garbage', EXAMPLE])).toBe('unreadable');
  });

  const NO_CURSORS = 'garbage [] [null] [null,null] ["a2V5"] ["a2V5","garbage"] "AQQABAIC"';
  const NEARLY =
    '["a2V5","AQQABAIC" ["a2V5","AQQABAIC","x"] ["a2V5","AQQABAIC"]x AQQABAIC,AQQABAIC';
  test.each(`${NO_CURSORS} ${NEARLY}`.split(' '))('findCursor() calls %j unreadable', (text) => {
    expect(findCursor([text])).toBe('unreadable');
  });

  test('findCursor() never throws, and what it finds can be written again', () => {
    const hostile = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.string({
        unit: fc.constantFrom('[', ']', '"', ',', '/', '=', 'A', 'Q', 'n', '~', ' ', '\n'),
      }),
      fc.tuple(fc.nat(12), fc.string({ maxLength: 3 })).map(([at, text]) => {
        return EXAMPLE.slice(0, at) + text + EXAMPLE.slice(at + 1);
      }),
    );
    fc.assert(
      fc.property(hostile, (text) => {
        const cursor = findCursor([text]);
        if (cursor === null || cursor === 'unreadable' || 'topics' in cursor) return;
        const out = new ByteWriter(16);
        const { topicId, offsets, time = null } = cursor;
        const place = { topicId, positions: new Float64Array(0), unknown: [...offsets] };
        writeCursor(out, place, time);
        expect(parseCursor(Buffer.from(out.view()).toString())).toEqual(cursor);
      }),
      { numRuns: runsOf(500) },
    );
  });

  // A search that grows with the square of its input would not end within the file's time limit.
  test.each([16, 32])('findCursor() judges %d kB of anything, two hundred times', (kilobytes) => {
    const length = kilobytes * 1024;
    const hostile = [
      'A',
      '=',
      '"',
      '/',
      '["',
      '[null,"',
      '["a","',
      '"]',
      '\\"',
      ' ',
      'A/',
      '\ud800',
    ];
    for (const unit of hostile) {
      const text = unit.repeat(Math.ceil(length / unit.length));
      for (let i = 0; i < 200; i++) {
        const cursor = findCursor([`${i}${text}`]);
        if (cursor !== 'unreadable') throw new Error(`${unit}: ${String(cursor)}`);
      }
    }
    const zeros = `AQ${'A'.repeat(length - 4)}==`;
    expect(findCursor([zeros])).toBe('unreadable');
    expect(findCursor([`["${'A'.repeat(length)}","${EXAMPLE}/${'"'.repeat(length)}"]`])).toEqual(
      found,
    );
  });
});
