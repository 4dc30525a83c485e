import { describe, expect, test } from '@jest/globals';
import { DocumentWriter } from './document.ts';

const GAP =
  '{"reason":"retention","topic":"events","partitions":[{"partition":0,"from":5,"to":12}]}';
const BLOCKS = [
  'event:stale\ndata:{"since":5}\n\n',
  'id:A\n\n',
  'data:{"partition":0,"offset":5,"value":"é: \\n"}\nid:B\n\n',
  `event:gap\ndata:${GAP}\nid:C\n\n`,
  'event:delete\ndata:{"partition":0,"offset":6,"value":null}\nid:D\n\n',
  'data:{"value":{\ndata:  "a":\ndata:1}}\nid:E\n\n',
  'event:place\ndata:{}\nid:E\n\n',
  'event:live\ndata:{}\nid:F=\n\n',
].join('');
const DOCUMENT =
  '{"records":[{"partition":0,"offset":5,"value":"é: \\n"},{"partition":0,"offset":6,"value":null},{"value":{\n  "a":\n1}}]' +
  `,"gaps":[${GAP}],"id":"F="}`;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function documentOf(writer: DocumentWriter, pieces: readonly Uint8Array[]): string {
  const parts = [...pieces.map((piece) => writer.write(piece)), writer.end()];
  return decoder.decode(Uint8Array.from(parts.flatMap((part) => [...part])));
}

describe('DocumentWriter', () => {
  test('DocumentWriter.write() makes the same document wherever blocks are cut', () => {
    const bytes = encoder.encode(BLOCKS);
    for (let at = 0; at <= bytes.length; at++) {
      const pieces = [bytes.subarray(0, at), bytes.subarray(at)];
      expect([at, documentOf(new DocumentWriter(), pieces)]).toEqual([at, DOCUMENT]);
    }
    const each = [...bytes].map((byte) => Uint8Array.of(byte));
    expect(documentOf(new DocumentWriter(), each)).toBe(DOCUMENT);
  });

  test('DocumentWriter.write() hands a part of a record on as it comes', () => {
    const writer = new DocumentWriter();
    expect(decoder.decode(writer.write(encoder.encode('data:{"value":"aaa')))).toBe(
      '{"records":[{"value":"aaa',
    );
    expect(decoder.decode(writer.write(encoder.encode('bbb')))).toBe('bbb');
  });

  test('DocumentWriter.end() has no gaps where there are none, and no records', () => {
    const writer = new DocumentWriter();
    const blocks = encoder.encode('id:A\n\nevent:live\ndata:{}\nid:B\n\n');
    expect(documentOf(writer, [blocks])).toBe('{"records":[],"id":"B"}');
    expect([writer.isEmpty, writer.isBroken]).toEqual([true, false]);
  });

  test('DocumentWriter is broken by what begins anew after something has come, and by nothing else', () => {
    const gap = (reason: string): string => `event:gap\ndata:{"reason":"${reason}"}\nid:A\n\n`;
    const record = 'data:{}\nid:B\n\n';
    const broken = (...blocks: string[]): boolean => {
      const writer = new DocumentWriter();
      writer.write(encoder.encode(blocks.join('')));
      return writer.isBroken;
    };
    expect(broken(gap('recreated'), record)).toBe(false);
    expect(broken(record, gap('retention'), record)).toBe(false);
    expect(broken(record, gap('recreated'))).toBe(true);
    expect(broken(gap('retention'), gap('truncated'))).toBe(true);
  });
});
