import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { createEventParser } from './event_parser.mjs';

/** What the parser tells of a stream that comes in these pieces. */
function parse(...pieces: string[]): unknown[] {
  const told: unknown[] = [];
  const feed = createEventParser({
    onEvent: (type, data) => told.push([type, data]),
    onId: (id) => told.push({ id }),
    onRetry: (retry) => told.push({ retry }),
  });
  pieces.forEach(feed);
  return told;
}

describe('createEventParser()', () => {
  test('tells type, data and id of each block', () => {
    expect(parse('retry:1500\n\ndata:a\nid:1\n\nevent:delete\ndata:Sw==\nid:2\n\n')).toEqual([
      { retry: 1500 },
      { id: '1' },
      ['message', 'a'],
      { id: '2' },
      ['delete', 'Sw=='],
    ]);
  });

  test('takes one space off, keeps line breaks and empty values', () => {
    expect(parse('data:  b\ndata:\ndata: c\n\ndata:\n\ndata\n\n')).toEqual([
      ['message', ' b\n\nc'],
      ['message', ''],
      ['message', ''],
    ]);
  });

  test('tells the id of a block without data', () => {
    expect(parse('id:7\n\n', ':\n\n', 'id\n\n')).toEqual([{ id: '7' }, { id: '' }]);
  });

  test('tells nothing of a block that no blank line has ended', () => {
    expect(parse('data:a\nid:1\n')).toEqual([]);
  });

  test('ignores comments, unknown fields, an id with NUL and a retry that is no number', () => {
    expect(parse(':data:x\nfoo:1\n data:y\nid:1\0\nretry:1s\nretry:-1\n\n')).toEqual([]);
  });

  test('does not carry type and id over to the next block', () => {
    expect(parse('event:x\nid:1\n\ndata:a\n\n')).toEqual([{ id: '1' }, ['message', 'a']]);
  });

  test('ends a block at its own line ends, not with the next piece', () => {
    expect(parse('data:a\r\r')).toEqual([['message', 'a']]);
    expect(parse('data:a\r\n\r')).toEqual([['message', 'a']]);
    expect(parse('data:a\r\n\r', '', '\n', '\n', 'data:b\r', '\n\n')).toEqual([
      ['message', 'a'],
      ['message', 'b'],
    ]);
  });

  test('takes only CR and LF for line ends', () => {
    expect(parse('data:a\u2028b\u0085c\v\f\n\n')).toEqual([['message', 'a\u2028b\u0085c\v\f']]);
  });

  test('refuses a block that never ends', () => {
    const feed = createEventParser({ onEvent: () => {}, onId: () => {}, onRetry: () => {} });
    const mebi = 'x'.repeat(1024 * 1024);
    expect(() => {
      for (let i = 0; i < 65; i += 1) feed(mebi);
    }).toThrow(RangeError);
  });

  const line = fc.oneof(
    fc.constantFrom('', ':', 'data', 'data:', 'id', 'id:', 'event:', 'retry:5', ': note'),
    fc
      .tuple(fc.constantFrom('data:', 'data: ', 'id:', 'event:', 'x:'), fc.string({ maxLength: 4 }))
      .map(([field, value]) => field + value.replace(/[\r\n\0]/g, '')),
  );
  const stream = fc
    .array(fc.tuple(line, fc.constantFrom('\n', '\r\n', '\r')), { maxLength: 30 })
    .map((lines) => lines.flat().join(''));

  test('tells the same wherever the stream is cut', () => {
    fc.assert(
      fc.property(stream, fc.array(fc.nat({ max: 200 }), { maxLength: 12 }), (text, cuts) => {
        const at = [0, ...cuts.sort((a, b) => a - b), text.length];
        const pieces = at.slice(1).map((end, i) => text.slice(at[i], end));
        expect(parse(...pieces)).toEqual(parse(text));
      }),
    );
  });

  test('tells the events that eventsource-parser tells', () => {
    fc.assert(
      fc.property(stream, (text) => {
        const events: unknown[] = [];
        const parser = createParser({
          onEvent: ({ event, data }) => events.push([event ?? 'message', data]),
        });
        parser.feed(text);
        parser.feed('\n\n'); // It keeps a CR at the end of a piece for later.
        expect(parse(text, '\n\n').filter(Array.isArray)).toEqual(events);
      }),
    );
  });
});
