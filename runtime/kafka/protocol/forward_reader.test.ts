import { Buffer } from 'node:buffer';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { FETCHES, parse } from './fetch_response.ts';
import { ForwardReader } from './forward_reader.ts';
import { Reader } from './platformatic_on_node20.ts';

const { metadataV8, metadataV12, listOffsetsV5, listOffsetsV7, describeConfigsV4, apiVersionsV1 } =
  await import('@platformatic/kafka');

type Parse = (id: number, key: number, version: number, reader: ForwardReader) => unknown;
const PARSERS: readonly (readonly [name: string, version: number, parse: Parse])[] = [
  ...FETCHES.map(({ version }) => [`fetch ${version}`, version, parse] as const),
  ['metadata 8', 8, metadataV8.parseResponse],
  ['metadata 12', 12, metadataV12.parseResponse],
  ['offsets 5', 5, listOffsetsV5.parseResponse],
  ['offsets 7', 7, listOffsetsV7.parseResponse],
  ['settings', 4, describeConfigsV4.parseResponse],
  ['versions', 1, apiVersionsV1.parseResponse],
];

function readerOf(bytes: Uint8Array): ForwardReader {
  return new ForwardReader(Reader.from(Buffer.from(bytes)));
}

/** Two thousand million of something, and a field that ends where it begins. */
const MANY = [0xff, 0xff, 0xff, 0xff, 0x07];
const BACK = [0, 0xfa, 0xff, 0xff, 0xff, 0x0f];

/** Bytes of which many are the beginnings of large and of negative numbers. */
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc
    .array(fc.constantFrom([0], [1], [2], [0, 0, 0, 0], [0x7f], [0xff], MANY, BACK), {
      maxLength: 100,
    })
    .map((all) => Uint8Array.from(all.flat())),
);

/** Ends what would not end. */
class Counted extends ForwardReader {
  #steps = 0;
  override readUnsignedVarInt(): number {
    this.#steps++;
    if (this.#steps > 10_000) throw new Error('no end');
    return super.readUnsignedVarInt();
  }
}

test.each(PARSERS)('ForwardReader: garbage of %s is read to an end', (_, version, parser) => {
  fc.assert(
    fc.property(bytes, (all) => {
      try {
        parser(1, 1, version, new Counted(Reader.from(Buffer.from(all))));
      } catch (error) {
        expect(error).not.toMatchObject({ message: 'no end' });
      }
    }),
    { numRuns: 300 },
  );
});

test('ForwardReader ends where fields go back for ever', () => {
  const garbage = Buffer.from([...MANY, ...BACK, 0]);
  expect(() => new Counted(Reader.from(garbage)).readTaggedFields()).toThrow(/makes no sense/);
});

test('ForwardReader never goes back, nor beyond the end', () => {
  const reader = readerOf(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x0f, 0));
  expect(() => reader.skip(reader.readUnsignedVarInt())).toThrow(/makes no sense/);
  expect(() => readerOf(Uint8Array.of(1, 2)).skip(3)).toThrow(/makes no sense/);
  expect(() => readerOf(Uint8Array.of(0xff, 0xf0, 1)).readString(false)).toThrow(/makes no sense/);
});
