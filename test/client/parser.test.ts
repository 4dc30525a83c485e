import { Buffer } from 'node:buffer';
import { describe, expect, test } from '@jest/globals';
import { createParser } from 'eventsource-parser';
import fc from 'fast-check';
import { ClientProcess, type ParsedBlock } from '../support/client_process.ts';
import { runsOf } from '../support/fuzz.ts';
import { onEachRuntime } from '../support/runtime.ts';
import { shared } from '../support/shared.ts';

const WORDS = ['data', 'event', 'id', 'retry', ':', ' ', '\n', '\r', '\r\n', '\n\n', '\uFEFF'];
const OTHERS = ['7', 'x', 'ü', '🚀', '\0', '\u2028', 'data:1\n', 'id:a\n\n'];

/** What another parser makes of the whole text. */
function expectedOf(text: string): object[] {
  const events: object[] = [];
  const parser = createParser({
    onEvent: ({ event = 'message', data, id }) => events.push({ type: event, data, id }),
  });
  // As an EventSource decodes: a BOM at the beginning is not there.
  parser.feed(new TextDecoder().decode(Buffer.from(text)));
  return events;
}

/** Cuts bytes anywhere, in characters and in line ends, too. */
function cut(bytes: Buffer, places: readonly number[]): Uint8Array[] {
  const at = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length];
  at.sort((a, b) => a - b);
  return at.slice(1).map((end, n) => bytes.subarray(at[n], end));
}

function eventsOf(blocks: readonly ParsedBlock[]): object[] {
  const withData = blocks.filter(({ data }) => data !== null);
  return withData.map(({ type, data, id }) => ({ type, data, id }));
}

interface Parser {
  feed(bytes: Uint8Array): Iterable<object>;
}

describe('BlockParser', () => {
  test('BlockParser ends what is a block without end, be it one line or many', async () => {
    const path = '../../public/client/client_stream.js';
    const { BlockParser } = (await import(path)) as { BlockParser: new () => Parser };
    const line = Buffer.alloc(2 ** 20, 'x');
    const lines = Buffer.from(`data:${'x'.repeat(2 ** 20)}\n`);
    for (const chunk of [line, lines]) {
      const parser = new BlockParser();
      const feed = (times: number): void => {
        for (let i = 0; i < times; i++) expect([...parser.feed(chunk)]).toEqual([]);
      };
      expect(() => feed(70)).toThrow('a block without end');
    }
  });
});

onEachRuntime((runtime) => {
  describe('BlockParser', () => {
    const client = shared(() => ClientProcess.start(runtime));

    test('reads any text as the standard says, however its bytes are cut', async () => {
      const text = fc
        .array(fc.constantFrom(...WORDS, ...OTHERS), { maxLength: 40 })
        .map((parts) => `${parts.join('')}\n\n`);
      await fc.assert(
        fc.asyncProperty(text, fc.array(fc.nat(), { maxLength: 20 }), async (whole, places) => {
          const blocks = await client().parse(cut(Buffer.from(whole), places));
          expect(eventsOf(blocks)).toEqual(expectedOf(whole));
        }),
        { numRuns: runsOf(500) },
      );
    });

    test('gives what a block has, an id alone and a time to come back, too', async () => {
      const text =
        '\uFEFF: comment\n\nretry:12\n\nid\n\nid: 1\n\nevent:gap\ndata\nid:2\n\ndata:cut\nid:3\n';
      expect(await client().parse([Buffer.from(text)])).toEqual([
        { type: 'message', data: null },
        { type: 'message', data: null, retry: 12 },
        { type: 'message', data: null, id: '' },
        { type: 'message', data: null, id: '1' },
        { type: 'gap', data: '', id: '2' },
      ]);
    });

    test('shows bytes that are not UTF-8 as U+FFFD', async () => {
      const bytes = Buffer.concat([Buffer.from('data:'), Buffer.of(0xff), Buffer.from('\n\n')]);
      expect(await client().parse([bytes])).toEqual([{ type: 'message', data: '\uFFFD' }]);
    });
  });
});
