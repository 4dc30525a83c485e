import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { BlocksOfSeveral, NameOfSeveral } from './blocks_of_several.ts';
import { ByteWriter } from './byte_writer.ts';

const NAME = new NameOfSeveral('a"b', Uint8Array.of(1, 2, 3, 4));
const encoder = new TextEncoder();

/** What is written in each page, and whether it ends within a block. */
function pagesOf(blocks: string): [text: string, isWithinBlock: boolean][] {
  const pages: [string, boolean][] = [];
  const several = new BlocksOfSeveral(encoder.encode(blocks), NAME, (out, part) =>
    out.text(`[${Buffer.from(part).toString('hex')}]`),
  );
  while (!several.isOver) {
    const out = new ByteWriter(16);
    several.write(out);
    pages.push([Buffer.from(out.view()).toString(), several.isWithinBlock]);
  }
  return pages;
}

describe('BlocksOfSeveral.write()', () => {
  test('BlocksOfSeveral.write() says the topic first in each record, and gives the id of all, without a time', () => {
    const pages = pagesOf(
      'data:{"partition":0,"offset":4,"value":"id:x"}\nid:Ao8nEHQCAAI=/~t9q9c0\n\n' +
        'event:delete\ndata:{"partition":0,"offset":5}\nid:Ao8nEHQCAAI=\n\n' +
        'event:gap\ndata:{"reason":"retention","topic":"a"}\nid:Ao8nEHQCAAI=\n\nid:Ao8nEHQCAAI=\n\n',
    );
    const id = 'id:[010203048f2710740200 02]'.replace(' ', '');
    expect(pages).toEqual([
      [
        `data:{"topic":"a\\"b","partition":0,"offset":4,"value":"id:x"}\n${id}\n\n` +
          `event:delete\ndata:{"topic":"a\\"b","partition":0,"offset":5}\n${id}\n\n` +
          `event:gap\ndata:{"reason":"retention","topic":"a"}\n${id}\n\n${id}\n\n`,
        false,
      ],
    ]);
  });

  test('BlocksOfSeveral.write() cuts pages where a block ends, and a large block wherever it is', () => {
    const anySize = fc.oneof(fc.nat(100), fc.nat(40_000), fc.constantFrom(65_490, 70_000, 200_000));
    fc.assert(
      fc.property(fc.array(anySize, { minLength: 1, maxLength: 8 }), (sizes) => {
        const block = (size: number, member: string, id: string): string =>
          `data:{${member}"partition":0,"value":"${'x'.repeat(size)}\ndata:y"}\nid:${id}\n\n`;
        const pages = pagesOf(sizes.map((size) => block(size, '', 'Ao8nEHQCAAI=')).join(''));
        expect(pages.map(([text]) => text).join('')).toBe(
          sizes.map((size) => block(size, '"topic":"a\\"b",', '[010203048f271074020002]')).join(''),
        );
        for (const [text, isWithinBlock] of pages) {
          expect(text.length).toBeLessThanOrEqual(65_600);
          expect(isWithinBlock).toBe(!text.endsWith('\n\n'));
        }
        expect(pages.at(-1)![1]).toBe(false);
      }),
      { numRuns: 50 },
    );
  });
});
