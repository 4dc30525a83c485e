import { describe, expect, test } from '@jest/globals';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { ByteWriter } from './byte_writer.ts';
import { HEARTBEAT, retryFrame, writeId, writeTextLines } from './frame.ts';

const PLACE = {
  topicId: Uint8Array.of(0x8f, 0x27, 0x10, 0x74),
  positions: Float64Array.of(1),
  unknown: [],
};
const ID = 'Ao8nEHQCAAI=';
const BOM = '\ufeff';

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Bytes that are likely to meet every rule: line ends, spaces, UTF-8 whole, cut and wrong. */
const anyValue = fc
  .array(
    fc.oneof(
      {
        weight: 3,
        arbitrary: fc.constantFrom('\r', '\n', '\r\n', ' ', '  ', ':', 'data:', 'id:x'),
      },
      { weight: 2, arbitrary: fc.constantFrom('a', 'é', '€', '😀', BOM, '\ufffd', '\u2028', '\0') },
      { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
      {
        weight: 2,
        arbitrary: fc.constantFrom([0xc3], [0x80], [0xf0, 0x9f], [0xed, 0xa0, 0x80], [0xc0, 0x8a]),
      },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 8 }) },
    ),
    { maxLength: 20 },
  )
  .map((pieces) =>
    Buffer.concat(
      pieces.map((piece) => Buffer.from(typeof piece === 'string' ? utf8(piece) : piece)),
    ),
  );

describe('writeTextLines()', () => {
  test.each([
    ['Hello', 'data:Hello\n'],
    ['', 'data:\n'],
    [' a', 'data:  a\n'],
    ['  a', 'data:   a\n'],
    [' ', 'data:  \n'],
    ['a\nb', 'data:a\ndata:b\n'],
    ['a\rb', 'data:a\ndata:b\n'],
    ['a\r\nb', 'data:a\ndata:b\n'],
    ['a\n\rb', 'data:a\ndata:\ndata:b\n'],
    ['a\r\r\nb', 'data:a\ndata:\ndata:b\n'],
    ['\n', 'data:\ndata:\n'],
    ['\r\n', 'data:\ndata:\n'],
    ['a\n', 'data:a\ndata:\n'],
    ['\n a', 'data:\ndata:  a\n'],
    [': comment', 'data:: comment\n'],
    ['id:1\n\nevent:x', 'data:id:1\ndata:\ndata:event:x\n'],
    ['\tü€😀\0', 'data:\tü€😀\0\n'],
    [`${BOM}a`, `data:${BOM}a\n`],
    ['a\u0085b\u2028c\u2029d', 'data:a\u0085b\u2028c\u2029d\n'],
  ])('writeTextLines() writes the value %j as %j', (value, lines) => {
    expect(linesOf(utf8(value))).toBe(lines);
  });

  test.each([
    ['ff', '\ufffd'],
    ['61ff62', 'a\ufffdb'],
    ['eda080', '\ufffd\ufffd\ufffd'],
    ['f09f98', '\ufffd'],
    ['c08a', '\ufffd\ufffd'],
    ['c3', '\ufffd'],
    ['c30a20c3', '\ufffd\ndata: \u0020\ufffd'],
    ['20ff', ' \u0020\ufffd'],
    ['efbfbd', '\ufffd'],
  ])('writeTextLines() replaces what is no UTF-8 in the bytes %s', (hex, rest) => {
    expect(linesOf(Buffer.from(hex, 'hex'))).toBe(`data:${rest}\n`);
  });

  test('writeTextLines() writes exactly what the rules say of the text, for any bytes', () => {
    fc.assert(
      fc.property(anyValue, (value) => {
        expect(linesOf(value)).toBe(byTheRules(value));
      }),
      { numRuns: runsOf(2000) },
    );
  });

  test('writeTextLines() writes one line of ASCII as it writes the same line among others', () => {
    const anyAscii = fc.string({ unit: 'binary-ascii' }).map((text) => text.replace(/[\r\n]/g, ''));
    fc.assert(
      fc.property(anyAscii, (line) => {
        const alone = linesOf(utf8(line));
        expect(alone).toBe(byTheRules(utf8(line)));
        expect(linesOf(utf8(`${line}\n`))).toBe(`${alone}data:\n`);
        expect(linesOf(utf8(`ü\n${line}`))).toBe(`data:ü\n${alone}`);
        expect(linesOf(Buffer.concat([utf8(line), Buffer.of(0x0a, 0xff)]))).toBe(
          `${alone}data:\ufffd\n`,
        );
      }),
    );
  });

  test('writeTextLines() leaves the record as it is, and sees no byte outside of its view', () => {
    const around = utf8('\n  a\r\u00fc\n');
    const copy = around.slice();
    expect(linesOf(around.subarray(3, 4))).toBe('data:a\n');
    expect(linesOf(around.subarray(3, 5))).toBe('data:a\ndata:\n');
    expect(linesOf(around.subarray(5, 6))).toBe('data:\ufffd\n');
    expect(around).toEqual(copy);
  });

  test('writeTextLines() takes a megabyte of line ends, of text, and of no text', () => {
    const length = 2 ** 20;
    expect(linesOf(utf8('\r\n'.repeat(length / 2)))).toBe('data:\n'.repeat(length / 2 + 1));
    expect(linesOf(utf8('x'.repeat(length)))).toBe(`data:${'x'.repeat(length)}\n`);
    expect(linesOf(new Uint8Array(length).fill(0xff))).toBe(`data:${'\ufffd'.repeat(length)}\n`);
  });

  test.each([
    ['k', 'aw=='],
    ['key', 'a2V5'],
    ['', ''],
    ['\u00fb\u00ff', 'w7vDvw=='],
  ])('writeTextLines() writes a tombstone of the key %j', (key, base64url) => {
    expect(linesOf(null, utf8(key))).toBe(`event:delete\ndata:${base64url}\n`);
  });

  test('writeTextLines() writes the key of a tombstone in base64url with padding', () => {
    expect(linesOf(null, Buffer.from('fbefff', 'hex'))).toBe('event:delete\ndata:--__\n');
    fc.assert(
      fc.property(fc.uint8Array(), (key) => {
        const [, data] = linesOf(null, key).split('\n');
        const base64 = data!.slice('data:'.length).replaceAll('-', '+').replaceAll('_', '/');
        expect(base64).toBe(Buffer.from(key).toString('base64'));
      }),
    );
  });

  test('writeTextLines() writes no line where key and value are null', () => {
    expect(linesOf(null, null)).toBe('');
    expect(block(null, null)).toBe(`id:${ID}\n\n`);
  });

  test('writeTextLines() does not show the key of a record that has a value', () => {
    expect(linesOf(utf8('v'), utf8('k'))).toBe('data:v\n');
    expect(linesOf(utf8(''), null)).toBe('data:\n');
  });
});

describe('a block', () => {
  test('a block has LF only, no space after a colon, the id last, one blank line', () => {
    fc.assert(
      fc.property(fc.option(anyValue), fc.option(fc.uint8Array()), (value, key) => {
        const text = block(value, key);
        expect(text).not.toContain('\r');
        expect(text.endsWith(`id:${ID}\n\n`)).toBe(true);
        const lines = text.slice(0, -2).split('\n');
        for (const line of lines) expect(line).toMatch(/^(?:data|event|id):/);
        for (const line of lines) expect(line).not.toMatch(/^[a-z]+: (?! )/);
        expect(lines.findIndex((line) => line.startsWith('id:'))).toBe(lines.length - 1);
      }),
    );
  });

  test('a block is what its value was to eventsource-parser and to a strict parser', () => {
    fc.assert(
      fc.property(fc.array(fc.option(anyValue), { maxLength: 4 }), (values) => {
        const key = utf8('key');
        const stream = stringOf(retryFrame(1000)) + values.map((v) => block(v, key)).join('');
        const expected = values.map((value) => ({
          type: value === null ? 'delete' : 'message',
          data: value === null ? 'a2V5' : seenByClient(value),
          lastEventId: ID,
        }));
        expect(parseStrictly(stream)).toEqual(expected);
        expect(parseWithLibrary(stream)).toEqual(expected);
      }),
      { numRuns: runsOf(500) },
    );
  });

  test('a block without data is no event, but its id counts', () => {
    const stream = `id:old\n\n${block(null, null)}${stringOf(HEARTBEAT)}data:x\n\n`;
    expect(parseStrictly(stream)).toEqual([{ type: 'message', data: 'x', lastEventId: ID }]);
  });
});

describe('retryFrame()', () => {
  test('retryFrame() is a block of its own', () => {
    expect(stringOf(retryFrame(2345))).toBe('retry:2345\n\n');
  });
});

describe('HEARTBEAT', () => {
  test('HEARTBEAT is a comment and a blank line, which no parser reports', () => {
    expect(stringOf(HEARTBEAT)).toBe(':\n\n');
    expect(parseStrictly(stringOf(HEARTBEAT))).toEqual([]);
    expect(parseWithLibrary(stringOf(HEARTBEAT))).toEqual([]);
  });
});

interface SeenEvent {
  readonly type: string;
  readonly data: string;
  readonly lastEventId: string;
}

function stringOf(bytes: Uint8Array): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
}

function linesOf(value: Uint8Array | null, key: Uint8Array | null = null): string {
  const out = new ByteWriter(0);
  writeTextLines(out, { partition: 0, offset: 0, timestamp: -1, key, value, headers: [] }, null);
  return stringOf(out.view());
}

function block(value: Uint8Array | null, key: Uint8Array | null): string {
  const out = new ByteWriter(0);
  out.text(linesOf(value, key));
  writeId(out, PLACE, null);
  return stringOf(out.view());
}

function decoded(value: Uint8Array): string {
  return new TextDecoder('utf-8', { ignoreBOM: true }).decode(value);
}

function seenByClient(value: Uint8Array): string {
  return decoded(value).replaceAll('\r\n', '\n').replaceAll('\r', '\n');
}

function byTheRules(value: Uint8Array): string {
  const pieces = decoded(value).split(/\r\n|\n|\r/);
  return pieces.map((piece) => `data:${piece.startsWith(' ') ? ' ' : ''}${piece}\n`).join('');
}

/** Step by step as the standard has it, for a stream without BOM that ends at a blank line. */
function parseStrictly(stream: string): SeenEvent[] {
  const events: SeenEvent[] = [];
  let [data, type, lastEventId] = ['', '', ''];
  const lines = stream.split(/\r\n|\n|\r/);
  // What stands behind the last line end is no line.
  for (const line of lines.slice(0, -1)) {
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (line === '') {
      if (data !== '') {
        events.push({ type: type || 'message', data: data.slice(0, -1), lastEventId });
      }
      [data, type] = ['', ''];
    } else if (field === 'data') {
      data += `${value}\n`;
    } else if (field === 'event') {
      type = value;
    } else if (field === 'id' && !value.includes('\0')) {
      lastEventId = value;
    } else if (colon !== 0 && !(field === 'retry' && /^\d+$/.test(value))) {
      throw new Error(`a line that no client understands: ${JSON.stringify(line)}`);
    }
  }
  return events;
}

function parseWithLibrary(stream: string): SeenEvent[] {
  const events: SeenEvent[] = [];
  const parser = createParser({
    onEvent: ({ event = 'message', data, id = '' }: EventSourceMessage) => {
      events.push({ type: event, data, lastEventId: id });
    },
    onError: (error) => {
      throw error;
    },
  });
  parser.feed(stream);
  return events;
}
