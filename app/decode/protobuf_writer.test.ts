import {
  create,
  createFileRegistry,
  type DescMessage,
  fromBinary,
  toJson,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { runsOf } from '../../test/support/fuzz.ts';
import { TooLarge } from './malformed.ts';
import { filesOf } from './protobuf.ts';
import { ProtobufInput, UNUSUAL } from './protobuf_input.ts';
import { ProtobufWriter } from './protobuf_writer.ts';

const TYPES = [
  ...['int32', 'uint32', 'sint32', 'int64', 'uint64', 'sint64', 'bool', 'E'],
  ...['fixed32', 'sfixed32', 'float', 'fixed64', 'sfixed64', 'double', 'string', 'bytes', 'M'],
];
/** Each type plain (from 1 on), optional (21), in a list (41), in a oneof (61) and in a map (81). */
const TEXT = `
syntax = "proto3";
import "google/protobuf/timestamp.proto";
import "google/protobuf/wrappers.proto";
enum E { ZERO = 0; ONE = 1; MINUS = -1; }
message M {
  ${TYPES.map((type, i) => `${type} a_${type} = ${i + 1};`).join(' ')}
  ${TYPES.map((type, i) => `optional ${type} b_${type} = ${i + 21};`).join(' ')}
  ${TYPES.map((type, i) => `repeated ${type} c_${type} = ${i + 41};`).join(' ')}
  oneof o { ${TYPES.map((type, i) => `${type} d_${type} = ${i + 61};`).join(' ')} }
  ${TYPES.map((type, i) => `map<string, ${type}> e_${type} = ${i + 81};`).join(' ')}
  map<sint64, bool> e_keys = 100;
  map<bool, google.protobuf.Timestamp> e_times = 101;
  google.protobuf.Timestamp time = 102;
  repeated google.protobuf.Int64Value wrapped = 103;
}`;

const file = filesOf(TEXT, []);
const registry = createFileRegistry(create(FileDescriptorSetSchema, { file }));
const M = registry.getMessage('M')!;
const writer = new ProtobufWriter(registry);

function written(desc: DescMessage, bytes: Uint8Array, maxJson = 2 ** 20): unknown {
  const json = writer.json(desc, new ProtobufInput(bytes), maxJson);
  const value = JSON.parse(new TextDecoder('utf-8', { ignoreBOM: true }).decode(json));
  // The library has no zero below zero.
  return JSON.parse(JSON.stringify(value));
}

function byLibrary(bytes: Uint8Array): unknown {
  return JSON.parse(JSON.stringify(toJson(M, fromBinary(M, bytes), { registry })));
}

function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  for (; rest > 0x7fn; rest >>= 7n) bytes.push(Number(rest & 0x7fn) | 0x80);
  return [...bytes, Number(rest)];
}

const delimited = (bytes: readonly number[]): number[] => [...varint(bytes.length), ...bytes];

/** What may stand on the wire of each kind: its wire type, and its bytes. */
const varints = fc
  .oneof(
    fc.constantFrom(0n, 1n, 2n, -1n, 2n ** 53n, 2n ** 63n),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
  )
  .map(varint);
const fixed = (length: number) =>
  fc.oneof(
    fc.constant(Array.from({ length }, () => 0)),
    fc.array(fc.nat(255), { minLength: length, maxLength: length }),
  );
const texts = fc
  .oneof(
    fc.constantFrom('', '\ufeffa', '"\\\n\u0001', '__proto__', '7'),
    fc.string({ unit: 'binary' }),
  )
  .map((text) => delimited([...new TextEncoder().encode(text)]));
const { message } = fc.letrec<{ message: number[]; field: number[] }>((tie) => {
  const messages = tie('message').map(delimited);
  const kinds = TYPES.map((type): readonly [wire: number, bytes: fc.Arbitrary<number[]>] => {
    if (type === 'M') return [2, messages];
    if (type === 'string') return [2, texts];
    if (type === 'bytes') return [2, fc.array(fc.nat(255), { maxLength: 5 }).map(delimited)];
    if (/fixed32|float/.test(type)) return [5, fixed(4)];
    if (/fixed64|double/.test(type)) return [1, fixed(8)];
    return [0, varints];
  });
  const tagged = (number: number, wire: number, bytes: fc.Arbitrary<number[]>) =>
    bytes.map((value) => [...varint((number << 3) | wire), ...value]);
  const entry = (key: fc.Arbitrary<number[]>, value: fc.Arbitrary<number[]>) =>
    fc.tuple(key, value).map(([one, other]) => delimited([...one, ...other]));
  const time = fc
    .tuple(fc.nat(2 ** 31), fc.nat(999_999_999))
    .map(([seconds, nanos]) => delimited([0x08, ...varint(seconds), 0x10, ...varint(nanos)]));
  const fields = kinds.flatMap(([wire, bytes], i) => {
    const packed = fc.array(bytes, { maxLength: 3 }).map((all) => delimited(all.flat()));
    return [
      ...[tagged(i + 1, wire, bytes), tagged(i + 21, wire, bytes), tagged(i + 41, wire, bytes)],
      ...(wire === 2 ? [] : [tagged(i + 41, 2, packed)]),
      ...[
        tagged(i + 61, wire, bytes),
        tagged(i + 81, 2, entry(tagged(1, 2, texts), tagged(2, wire, bytes))),
      ],
    ];
  });
  fields.push(tagged(100, 2, entry(tagged(1, 0, varints), tagged(2, 0, varints))));
  fields.push(tagged(101, 2, entry(tagged(1, 0, varints), tagged(2, 2, time))));
  fields.push(tagged(102, 2, time), tagged(103, 2, tagged(1, 0, varints).map(delimited)));
  fields.push(tagged(1000, 0, varints), tagged(1001, 2, texts));
  return {
    field: fc.oneof({ depthSize: 'small' }, ...fields),
    message: fc
      .array(tie('field'), { maxLength: 8, depthIdentifier: 'message' })
      .map((all) => all.flat()),
  };
});

describe('ProtobufWriter', () => {
  test('ProtobufWriter.json() writes what the library does, whatever the order of fields', () => {
    let usual = 0;
    fc.assert(
      fc.property(message, (bytes) => {
        const value = Uint8Array.from(bytes);
        try {
          const json = written(M, value);
          usual++;
          expect(json).toEqual(byLibrary(value));
        } catch (error) {
          if (error !== UNUSUAL) throw error;
        }
      }),
      { numRuns: runsOf(2000) },
    );
    // Those with a field that stands there twice are left to the library.
    expect(usual).toBeGreaterThan(runsOf(1000));
  });

  test('ProtobufWriter.json() of bytes that are cut or twisted is that of the library, or none', () => {
    const twists = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(message, twists, fc.nat(), (bytes, twists, cut) => {
        const value = Uint8Array.from(bytes).subarray(0, bytes.length - (cut % 3));
        for (const [at, byte] of twists) if (value.length > 0) value[at % value.length] = byte;
        let json: unknown;
        try {
          json = written(M, value);
        } catch {
          return;
        }
        expect(json).toEqual(byLibrary(value));
      }),
      { numRuns: runsOf(2000) },
    );
  });

  test('ProtobufWriter.json() leaves to the library what is not as serializers write it', () => {
    const unusual = (...bytes: number[]): unknown => {
      try {
        return written(M, Uint8Array.from(bytes));
      } catch (error) {
        return error;
      }
    };
    const nested = (17 << 3) | 2;
    expect(unusual(...varint(nested), 0)).toEqual({ aM: {} });
    expect(unusual(...varint(nested), 0, ...varint(nested), 0)).toBe(UNUSUAL);
    expect(unusual(0x08, 1, 0x08, 2)).toBe(UNUSUAL);
    expect(unusual(0x09, 0)).toBe(UNUSUAL);
    expect(unusual(0x0b, 0x0c)).toBe(UNUSUAL);
    expect(unusual(0x88, 0x80, 0x80, 0x80, 0x80, 0x00, 0)).toBe(UNUSUAL);
    expect(unusual(...varint((15 << 3) | 2), 1, 0xff)).not.toHaveProperty('aString');
  });

  test('ProtobufWriter.json() makes no more JSON than it may', () => {
    const name = 'n'.repeat(1000);
    const text = `syntax = "proto3"; enum E { ${name} = 0; } message A { repeated E e = 1; }`;
    const files = createFileRegistry(create(FileDescriptorSetSchema, { file: filesOf(text, []) }));
    const bytes = Uint8Array.from([0x0a, ...delimited(Array.from({ length: 10_000 }, () => 0))]);
    const make = () =>
      new ProtobufWriter(files).json(files.getMessage('A')!, new ProtobufInput(bytes), 65_536);
    expect(make).toThrow(TooLarge);
  });
});
